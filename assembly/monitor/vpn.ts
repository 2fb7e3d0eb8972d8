export * from "../sa/vpn";
