import { describe, expect, test } from "bun:test"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { json, layOut } from "../support/mycelium.ts"
import { reportOf } from "../support/incident-report.ts"

describe("an environment that could not be opened", () => {
  test("is named as left: exactly the secrets that were chosen, by the logs of the others", async () => {
    const names = Array.from(
      { length: 40 },
      (_, index) => `a_secret_with_quite_a_long_name_to_tell_it_by_${index}`,
    )
    const secrets = {
      k: "generated",
      l: "generated",
      ...Object.fromEntries(names.map((name) => [name, { driver: "generated", tags: ["many"] }])),
    }
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: Object.fromEntries(
          ["fine", "broken", "gone", "other"].map((name) => [
            name,
            { rotate_every: "90d", secrets },
          ]),
        ),
      },
    )
    for (const args of [["init"], ["rotate-now", "--all", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const state = (environment: string): string => project.statePath(environment)
    await Bun.write(state("broken"), "{")
    await Bun.file(state("gone")).delete()
    expect(
      (
        await project.mycelium([
          "rotate-now",
          "fine/k",
          "broken/k",
          "gone",
          "--contain",
          "--incident",
          "leak-7",
        ])
      ).code,
    ).toBe(7)
    const { code, report } = await reportOf({ project })
    expect({
      code,
      left: report.left.map(({ environment, secret = "", code: why }) => [
        environment,
        secret,
        why,
      ]),
    }).toEqual({
      code: 7,
      left: [
        ["broken", "k", "state-broken"],
        ["gone", "", "state-older"],
      ],
    })
    expect(report.carryOn).toEqual([
      "rotate-now",
      "broken/k",
      "gone",
      "--contain",
      "--incident",
      "leak-7",
    ])
    // More names than a line holds: which of them were chosen is not known, and nothing more than
    // that is contained.
    expect(
      (await project.mycelium(["rotate-now", "--tag", "many", "--contain", "--incident", "leak-8"]))
        .code,
    ).toBe(7)
    const many = json<IncidentReport>(await project.mycelium(["report", "leak-8", "--json"]))
    expect({
      left: many.left.map(({ environment, some }) => [environment, some]),
      carryOn: many.carryOn,
    }).toEqual({
      left: [
        ["broken", true],
        ["gone", true],
      ],
      carryOn: undefined,
    })
    expect((await project.mycelium(["report", "leak-8"])).stdout).toContain(
      "with the same selection and --incident leak-8",
    )
  })
})
