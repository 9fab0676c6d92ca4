import { parseAddress } from "../../../../src/plugins/drivers/redis/address.ts"
import { addressSuite } from "../address-suite.ts"

addressSuite({
  scheme: "redis",
  parse: parseAddress,
  reads: [
    ["redis://cache.internal", { host: "cache.internal", port: 6379, tls: false }],
    ["redis://CACHE:7000", { host: "cache", port: 7000, tls: false }],
    ["rediss://cache:7000/", { host: "cache", port: 7000, tls: true }],
    ["redis://cache:7000/3", { host: "cache", port: 7000, tls: false }],
    ["redis://[::1]:7000", { host: "::1", port: 7000, tls: false }],
    ["redis:///run/redis/redis.sock", { socket: "/run/redis/redis.sock" }],
    ["unix:/run/redis.sock", { socket: "/run/redis.sock" }],
    ["unix:///run/a%20b.sock", { socket: "/run/a b.sock" }],
  ],
  refuses: [
    "",
    "cache:6379",
    "http://cache",
    "redis:cache",
    "redis://",
    "redis:///",
    "redis:///0",
    "rediss:///run/x.sock",
    "unix://host/x.sock",
    "unix:run.sock",
    "redis://a,b:1",
    "redis://cache:0",
    "redis://cache:99999",
    "redis://cache/name",
    "redis://cache?db=1",
    "redis://cache#x",
    "redis://cache/%zz",
    "redis://user@cache",
    `unix:/${"x".repeat(107)}`,
    "unix:/run/%0a.sock",
    "redis://ca che",
    "redis:///run/",
  ],
  withPassword: [
    "redis://:Pass-word@cache",
    "redis://shop:Pass-word@cache:6379",
    "unix:/run/x.sock?password=Pass-word",
  ],
  // Whatever the database.
  names: {
    "redis://Cache/1": "cache:6379",
    "rediss://[::1]": "[::1]:6379",
    "unix:/run/x.sock": "/run/x.sock",
  },
  local: ["redis://localhost", "redis://127.8.9.1", "redis://[::1]", "unix:/x.sock"],
  remote: [
    "redis://cache",
    "redis://127.0.0.1.evil.example",
    "redis://0.0.0.0",
    "redis://10.0.0.1",
  ],
})
