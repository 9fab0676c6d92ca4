import { expect, test } from "bun:test"
import { membersOf } from "../../../src/plugins/vault/raw-json.ts"

test("the members of an object are told as they are written", () => {
  const text = `{ "a" : 12345678901234567890, "b\\"c": {"x":[1,{"y":"}"}],"z":"a,b"}, "d":"e\\\\",
    "f": [ "," , {"g":1} ], "h": 1e400, "i": null, "j": true, "":"empty" }`
  expect([...membersOf(text)]).toEqual([
    ["a", "12345678901234567890"],
    ['b"c', '{"x":[1,{"y":"}"}],"z":"a,b"}'],
    ["d", '"e\\\\"'],
    ["f", '[ "," , {"g":1} ]'],
    ["h", "1e400"],
    ["i", "null"],
    ["j", "true"],
    ["", '"empty"'],
  ])
  expect([...membersOf("{}")]).toEqual([])
})
