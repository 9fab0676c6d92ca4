import { AppError } from "../../base/error.ts"
import { deleted } from "./fault.ts"
import type { Described } from "./secrets.ts"

/** Why a secret may not be written by us, whatever our rights are; undefined where it may. */
export function obstacle(
  { DeletedDate, OwningService, PrimaryRegion, RotationEnabled, Type }: Described,
  { message, region }: { readonly message: string; readonly region: string },
): AppError | undefined {
  if (DeletedDate !== undefined && DeletedDate !== null) return deleted(message)
  if (is(OwningService))
    return new AppError(
      "aws-secret-owned",
      `${message}: a service of AWS owns it (${OwningService}) and writes it`,
      {
        hint: "show the value in a secret of your own; what a service of AWS owns, that service rotates",
      },
    )
  if (is(Type))
    return new AppError(
      "aws-secret-owned",
      `${message}: it is of an external type, which its partner rotates`,
      {
        hint: "show the value in a secret of your own",
      },
    )
  if (RotationEnabled === true)
    return new AppError(
      "aws-rotation-enabled",
      `${message}: AWS rotates it, and two rotators would undo each other`,
      {
        hint:
          "aws secretsmanager cancel-rotate-secret --secret-id NAME ends AWS's rotation, " +
          "if Mycelium shall do it",
      },
    )
  if (is(PrimaryRegion) && PrimaryRegion !== region)
    return new AppError(
      "aws-secret-replica",
      `${message}: this is a replica of the secret in ${PrimaryRegion}, which cannot be written`,
      {
        hint: `say aws.region: ${PrimaryRegion}; AWS brings what is written there to its replicas`,
      },
    )
  return undefined
}

/** Replicas that do not hold the current version yet, or never will. */
export function replicasBehind(
  { ReplicationStatus }: Described,
  { message }: { readonly message: string },
): AppError | undefined {
  const behind = (ReplicationStatus ?? []).filter(({ Status }) => Status !== "InSync")
  if (behind.length === 0) return undefined
  const names = behind.map(({ Region, Status }) => `${Region} (${Status})`).join(", ")
  return new AppError(
    "aws-replica-behind",
    `${message}: these replicas are not in sync: ${names}`,
    {
      remedy: "retry",
      hint:
        "programs may still read the former value there; aws secretsmanager describe-secret " +
        "shows the reason, remove-regions-from-replication takes a replica away",
    },
  )
}

function is(said: string | null | undefined): said is string {
  return said !== undefined && said !== null && said !== ""
}
