import { AppError } from "../../../base/error.ts"
import type { Described } from "./calls.ts"

/** What the tiers hold. */
const standardBytes = 4096
const advancedBytes = 8192

/** Why a parameter may not be written by us, whatever our rights are; undefined where it may. */
export function obstacle({ Type, Policies }: Described, message: string): AppError | undefined {
  if (Type !== "SecureString")
    return new AppError(
      "aws-parameter-not-secure",
      `${message}: it is of the type ${Type}, which keeps values in clear`,
      {
        hint: "its type cannot be changed: make another one with --type SecureString, and name that",
      },
    )
  if ((Policies ?? []).some(({ PolicyType }) => PolicyType === "Expiration"))
    return new AppError(
      "aws-parameter-expires",
      `${message}: a policy (Expiration) will delete it, with the value that programs need`,
      {
        hint:
          "aws ssm put-parameter --overwrite --policies '[{}]' takes its policies away; " +
          "or name another parameter",
      },
    )
  return undefined
}

/** `described`: undefined where it is to be made. */
export function refuseLarge(
  bytes: Uint8Array,
  described: Described | undefined,
  message: string,
): void {
  const isStandard = (described?.Tier ?? "Standard") === "Standard"
  if (bytes.length <= (isStandard ? standardBytes : advancedBytes)) return
  throw new AppError(
    "aws-parameter-too-large",
    `${message}: it would have more than ${isStandard ? "4 KiB, the most of the tier Standard" : "8 KiB"}`,
    {
      hint: isStandard
        ? "show less in this parameter; or give it the tier Advanced, which costs money and holds 8 KiB"
        : "show less in this parameter: its other fields count, too; " +
          "a secret of AWS Secrets Manager holds 64 KiB",
    },
  )
}
