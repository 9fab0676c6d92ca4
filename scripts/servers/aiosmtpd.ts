import type { Found } from "./found.ts"
import { pythonPackage } from "./python-package.ts"

/** For the tests of what sends mail: a server that speaks SMTP, with STARTTLS and logins. */
export function aiosmtpdPrograms(): Promise<Found> {
  return pythonPackage({
    name: "aiosmtpd",
    version: "1.4.6",
    trial: "import aiosmtpd.controller; print(aiosmtpd.__version__)",
  })
}
