import { parseAddress } from "../../../../src/plugins/drivers/postgres/address.ts"
import { addressSuite } from "../address-suite.ts"

addressSuite({
  scheme: "postgresql",
  parse: parseAddress,
  reads: [
    ["postgresql://db.internal:5433/shop", { host: "db.internal", port: 5433, database: "shop" }],
    ["postgres://DB.internal", { host: "db.internal", port: 5432 }],
    ["postgresql://127.0.0.1/my%20shop", { host: "127.0.0.1", port: 5432, database: "my shop" }],
    ["postgresql://[::1]:5/shop", { host: "::1", port: 5, database: "shop" }],
    [
      "postgresql:///shop?host=/run/postgresql/",
      { socket: "/run/postgresql/.s.PGSQL.5432", database: "shop" },
    ],
    [
      "postgresql://localhost:5433/shop?host=%2Frun%2Fpostgresql",
      { socket: "/run/postgresql/.s.PGSQL.5433", database: "shop" },
    ],
  ],
  refuses: [
    "",
    "db",
    "hunter2",
    "mysql://hunter2",
    "postgresql:",
    "postgresql://",
    "postgresql:///shop",
    "postgresql://a,hunter2/shop",
    "postgresql://db:0/shop",
    "postgresql://db:hunter2/shop",
    "postgresql://db:99999/",
    "postgresql://db/shop/hunter2",
    "postgresql://db/shop?sslmode=hunter2",
    "postgresql://db/#hunter2",
    "postgresql://hunter2@db/shop",
    "postgresql:///shop?host=hunter2",
    "postgresql://db/%zzhunter2",
    "postgresql://db/%00hunter2",
    "postgresql://db/a%0ahunter2",
  ],
  withPassword: [
    "postgresql://shop:Pass-word@db/shop",
    "postgresql://:Pass-word@db/shop",
    "postgresql://db/shop?password=Pass-word",
    "postgresql://shop:Pass-word@@db/shop?host=/run",
  ],
  // Never the database.
  names: {
    "postgresql://db:1/shop": "db:1",
    "postgresql://[::1]:1": "[::1]:1",
    "postgresql:///shop?host=/run": "/run/.s.PGSQL.5432",
  },
  local: [
    "postgresql://localhost:1",
    "postgresql://127.0.0.1:1",
    "postgresql://127.9.9.9:1",
    "postgresql://[::1]:1",
    "postgresql:///shop?host=/run",
  ],
  remote: [
    "postgresql://db:1",
    "postgresql://10.0.0.1:1",
    "postgresql://127.example.com:1",
    "postgresql://127.0.0.1.example.com:1",
    "postgresql://localhost.example.com:1",
    "postgresql://[::2]:1",
  ],
})
