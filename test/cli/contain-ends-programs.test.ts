import { describe, test } from "bun:test"
import { rmSync } from "node:fs"
import { incident, startServers } from "../support/contain-ends.ts"
import type { Shop } from "../support/shop.ts"
import {
  adopted,
  expectRows,
  left,
  leftOnce,
  owed,
  rows,
  unhealthy,
} from "../support/containment-table.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/** How a containment ends if a program or an output does not get the new value. */

const servers = serversOfFile({ all: startServers })

describe("a containment ends", () => {
  test(
    "if a program does not get healthy: contained, and the program is named",
    () =>
      expectRows(
        servers.all,
        rows([unhealthy, "0 contained"]),
        adopted(
          (shop) => shop.sicken(),
          (shop) => rmSync(shop.project.path("sick")),
        ),
      ),
    300_000,
  )

  test(
    "if the restart cannot be started: contained, and the program is named",
    () =>
      expectRows(
        servers.all,
        rows(
          [
            {
              ...unhealthy,
              last: `${incident}: contained; not every program was restarted: that is owed, and named above`,
              told: "a restart is owed",
            },
            "5 contained",
          ],
          { generated: [left("output-owed"), "7 not-contained"] },
        ),
        adopted((shop) => rmSync(shop.project.path("restart-api"))),
      ),
    200_000,
  )

  test("if its output was edited: the old value is dead at the service, the file is owed, and written once the edit is undone", () => {
    const before = new WeakMap<Shop, string>()
    const edit = (shop: Shop): void => {
      before.set(shop, shop.project.read(".env"))
      shop.project.write(
        ".env",
        shop.project.read(".env").replace(/^([A-Z_]*(?:PASSWORD|KEY))=.*$/m, "$1=Set-by-hand.1"),
      )
    }
    return expectRows(
      servers.all,
      rows(owed, { generated: leftOnce("output-drift") }),
      adopted(edit, (shop) => shop.project.write(".env", before.get(shop) ?? "")),
    )
  }, 200_000)
})
