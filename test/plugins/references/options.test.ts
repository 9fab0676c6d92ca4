import { describe, expect, test } from "bun:test"
import { ReferenceOptions } from "../../../src/plugins/references/index.ts"

describe("ReferenceOptions", () => {
  test.each([[{ file: "/run/x" }], [{ env: "ROTATOR" }], [{ command: ["pass", "show"] }]])(
    "takes %p",
    (reference) => {
      expect<unknown>(ReferenceOptions().parse(reference)).toEqual(reference)
    },
  )

  test.each([
    ["hunter2"],
    [{}],
    [{ file: "a", env: "B" }],
    [{ text: "hunter2" }],
    [{ hunter2: null }],
    [null],
    [7],
    [["hunter2"]],
  ])("says of %p that a credential comes by reference", (input) => {
    const messages = ReferenceOptions()
      .safeParse(input)
      .error?.issues.map(({ message }) => message)
    expect(messages).toEqual([
      "a credential comes by reference, never as text: { file: … }, { env: … }, { command: " +
        "[ … ] }, { vault: { … } }, { aws_secret: { … } }, { aws_parameter: { … } }, { azure_secret: { … } } or { google_secret: { … } }",
    ])
  })

  test.each([[{ file: 3 }], [{ env: "A B" }], [{ command: "pass show" }], [{ command: [] }]])(
    "refuses %p",
    (input) => {
      expect(ReferenceOptions().safeParse(input).success).toBe(false)
    },
  )
})
