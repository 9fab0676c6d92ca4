import type { Found } from "./found.ts"
import { pythonPackage } from "./python-package.ts"

/** For the tests of what speaks to AWS. What it does differently is said in test/support/servers/moto.ts. */
export function motoPrograms(): Promise<Found> {
  return pythonPackage({
    name: "moto",
    version: "5.2.5",
    wanted: "moto[server]",
    trial: "import moto.server, moto; print(moto.__version__)",
  })
}
