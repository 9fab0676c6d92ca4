import { expect, test } from "bun:test"
import { when } from "../../src/cli/when.ts"

test("an instant in UTC reads as one in a zone without an offset", () => {
  for (let hour = 0; hour < 24 * 366; hour += 7) {
    const at = new Date(Date.UTC(2028, 0, 1, hour, hour % 60))
    expect(when(at, "UTC")).toBe(when(at, "Africa/Abidjan").replace("GMT", "UTC"))
  }
})
