import { describe, expect, test } from "bun:test"
import { AppError } from "../../../src/base/error.ts"
import {
  isLocal,
  type ServerAddress,
  sayAddress,
} from "../../../src/plugins/drivers/server/address.ts"

/** Addresses of one driver, each as a person writes it. */
export type Addresses = {
  readonly scheme: string
  parse(written: string): ServerAddress
  /** What is made of each. */
  readonly reads: readonly (readonly [written: string, address: object])[]
  readonly refuses: readonly string[]
  /** With "Pass-word" in it, where a password must not stand. */
  readonly withPassword: readonly string[]
  /** How each is named for people. */
  readonly names: Readonly<Record<string, string>>
  readonly local: readonly string[]
  readonly remote: readonly string[]
}

/**
 * What holds of the addresses of every driver: read as written, refused without a word of them,
 * known as local or not.
 */
export function addressSuite({ scheme, parse, ...addresses }: Addresses): void {
  const refusalOf = (written: string): AppError => {
    try {
      parse(written)
    } catch (error) {
      if (error instanceof AppError) return error
      throw error
    }
    throw new Error(`${written} was taken`)
  }

  describe("parseAddress()", () => {
    test.each([...addresses.reads])("reads %s", (written, address) => {
      expect(parse(written)).toEqual(address as ServerAddress)
    })

    test.each([...addresses.refuses])("refuses %j, and does not repeat it", (written) => {
      const error = refusalOf(written)
      expect(error.code).toBe("address-invalid")
      // No more of it than the scheme may be in an example.
      if (written.length > `${scheme}://`.length) expect(error.message).not.toContain(written)
    })

    test.each([...addresses.withPassword])(
      "refuses a password in %s, and does not repeat it",
      (written) => {
        const error = refusalOf(written)
        expect(error.code).toBe("password-as-text")
        expect(`${error.message}${error.hint}`).not.toContain("Pass-word")
      },
    )
  })

  test("sayAddress() names the server alone", () => {
    for (const [written, name] of Object.entries(addresses.names))
      expect(sayAddress(parse(written))).toBe(name)
  })

  test("isLocal() is true of what no other machine can listen to", () => {
    const areLocal = (all: readonly string[]): readonly string[] =>
      all.filter((one) => isLocal(parse(one)))
    expect(areLocal(addresses.local)).toEqual(addresses.local)
    expect(areLocal(addresses.remote)).toEqual([])
  })
}
