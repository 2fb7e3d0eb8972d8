/** rekeyd's version: the build puts package.json's here (tools/engine_version.js). */
export const VERSION: string = "none";
