import { describe, expect, test } from "bun:test"
import { environment, load, told } from "./fake-plugins.ts"

const hint =
  "  hint: lower rotate_every; or write policy: none at the secret, an exception that reports list\n"

describe("policy: pci-dss", () => {
  test("lets no secret get older than 90 days, wherever its age is said", () => {
    expect(
      told(
        environment("policy: pci-dss\nsecrets: { k: { driver: generated, rotate_every: 91d } }"),
      ),
    ).toBe(
      "6:54  environments.production.secrets.k.rotate_every: policy pci-dss, " +
        "which holds in production, allows 90d at most\n" +
        `${hint}`,
    )
    expect(
      told(
        "project: s\n" +
          "environments:\n  " +
          "production:\n    " +
          "policy: pci-dss\n    " +
          "rotate_every: never\n    " +
          "secrets: { k: generated, l: generated }\n",
      ),
    ).toBe(
      "5:19  environments.production.rotate_every: policy pci-dss, which holds in production, " +
        "allows 90d at most\n" +
        `${hint}`,
    )
    expect(
      told(
        "project: s\n" +
          "policy: pci-dss\n" +
          "rotate_every: 1000h\n" +
          "environments:\n  " +
          "a: { secrets: { k: { driver: generated, rotate_every: never } } }\n",
      ),
    ).toContain("which holds in a, allows 90d at most")
  })

  test("is content with 90 days, and kept by the environment", () => {
    expect(
      load(environment("policy: pci-dss\nsecrets: { k: generated }")).environments["production"]
        ?.policy,
    ).toBe("pci-dss")
  })

  test("is the project's, unless the environment says none; a secret may be an exception", () => {
    const { environments } = load(
      "project: s\n" +
        "policy: pci-dss\n" +
        "rotate_every: 90d\n" +
        "environments:\n  " +
        "a: { secrets: { k: generated, seal: { driver: generated, rotate_every: never, " +
        "policy: none } } }\n  " +
        "b: { policy: none, rotate_every: never, secrets: { k: generated } }\n",
    )
    expect([environments["a"]?.policy, environments["b"]?.policy]).toEqual(["pci-dss", undefined])
    expect([
      environments["a"]?.secrets["k"]?.exempt,
      environments["a"]?.secrets["seal"]?.exempt,
    ]).toEqual([undefined, true])
  })

  test("asks for a log of a year", () => {
    const config = (keep: string): string =>
      "project: s\n" +
      "rotate_every: 90d\n" +
      `audit: { keep: ${keep} }\n` +
      "environments:\n  " +
      "a: { policy: pci-dss, secrets: { k: generated } }\n"
    expect(told(config("364d"))).toBe(
      "3:16  audit.keep: policy pci-dss, which holds in a, asks for 365d at least\n",
    )
    for (const keep of ["365d", "forever"]) load(config(keep))
  })

  test("is the only one, and is not named at a secret", () => {
    expect(told(environment("policy: pci\nsecrets: { k: generated }"))).toContain(
      "policy: expected pci-dss or none",
    )
    expect(told(environment("secrets: { k: { driver: generated, policy: pci-dss } }"))).toContain(
      "policy: expected none: a policy is named at the environment or at the top",
    )
  })
})
