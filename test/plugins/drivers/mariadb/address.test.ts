import { parseAddress } from "../../../../src/plugins/drivers/mariadb/address.ts"
import { addressSuite } from "../address-suite.ts"

addressSuite({
  scheme: "mariadb",
  parse: parseAddress,
  reads: [
    ["mariadb://db.internal", { host: "db.internal", port: 3306 }],
    ["mariadb://DB:3307/", { host: "db", port: 3307 }],
    ["mariadb://[::1]:3307", { host: "::1", port: 3307 }],
    ["mariadb:///run/mysqld/mysqld.sock", { socket: "/run/mysqld/mysqld.sock" }],
    ["mariadb:///run/a%20b.sock", { socket: "/run/a b.sock" }],
  ],
  refuses: [
    "",
    "db:3306",
    "mysql://db:3306",
    "mariadb:db",
    "mariadb://",
    "mariadb:///",
    "mariadb:///run/",
    "mariadb://a,b:1",
    "mariadb://db:0",
    "mariadb://db:99999",
    "mariadb://db/shop",
    "mariadb://db?tls=1",
    "mariadb://db#x",
    "mariadb://db/%zz",
    "mariadb://user@db",
    `mariadb:///${"x".repeat(107)}`,
    "mariadb:///run/%0a.sock",
    "mariadb://d b",
  ],
  withPassword: [
    "mariadb://shop:Pass-word@db:3306/shop",
    "mariadb://:Pass-word@db",
    "mariadb://db?password=Pass-word",
  ],
  names: {
    "mariadb://DB": "db:3306",
    "mariadb://[::1]": "[::1]:3306",
    "mariadb:///run/x.sock": "/run/x.sock",
  },
  local: ["mariadb://localhost", "mariadb://127.8.9.1", "mariadb://[::1]", "mariadb:///x.sock"],
  remote: [
    "mariadb://db",
    "mariadb://127.0.0.1.evil.example",
    "mariadb://0.0.0.0",
    "mariadb://10.0.0.1",
  ],
})
