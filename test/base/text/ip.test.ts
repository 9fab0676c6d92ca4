import { expect, test } from "bun:test"
import { isIP } from "node:net"
import { isIp, isIpv4 } from "../../../src/base/text/ip.ts"

test.each([
  ..."127.0.0.1 0.0.0.0 255.255.255.255 256.0.0.1 127.1 127.0.0.01 1.2.3.4.5 a.b.c.d".split(" "),
  ..."::1 :: fe80::1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 ::ffff:1.2.3.4 :1 1:2 db::1::2 g::1".split(
    " ",
  ),
  "localhost",
  "",
  "[::1]",
  "::1]/a[",
])("says of %p what Node says", (text) => {
  expect([isIp(text), isIpv4(text)]).toEqual([isIP(text) > 0, isIP(text) === 4])
})
