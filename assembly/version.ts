/** rekeyd's version, as package.json and Cargo.toml have it (tests/device/monitoring.test.ts). */
export const VERSION: string = "0.1.0";
