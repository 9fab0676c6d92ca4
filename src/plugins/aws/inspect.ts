import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { Finding } from "../../core/finding.ts"
import type { EntryInspection } from "../../core/entry.ts"
import { policyArn } from "./arn.ts"
import { obstacle, replicasBehind } from "./may-write.ts"
import type { SecretPlace } from "./options.ts"
import { type Described, foundIn, type SecretCalls } from "./secrets.ts"

/** Who we are at AWS, with which key the secret is sealed there, and what would stand in the way. */
export async function inspectSecret(
  calls: SecretCalls,
  place: SecretPlace,
  signal: AbortSignal,
): Promise<EntryInspection> {
  const account = await calls.identity(signal)
  try {
    const denied: string[] = []
    const described = await permitted(calls.describe(signal), denied, "DescribeSecret")
    for (const operation of ["GetSecretValue", "UpdateSecretVersionStage"] as const)
      if ((await calls.isPermitted(operation, signal)) !== undefined) denied.push(operation)
    if (denied.length > 0) throw missingRights(calls, place, denied)
    const { region } = place
    const fault =
      described === undefined
        ? undefined
        : (obstacle(described, { message: calls.message, region }) ??
          replicasBehind(described, calls))
    if (fault !== undefined) throw fault
    return {
      account: `${account} (KMS key ${keyOf(described)})`,
      findings:
        described === undefined || foundIn(described) === undefined ? [] : [terraform(calls)],
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, message, hint: remedy } = error
    return { account, findings: [{ code, severity: "error", message, ...present({ remedy }) }] }
  }
}

/** Said until Mycelium has written there. */
function terraform({ message }: SecretCalls): Finding {
  return {
    code: "aws-terraform",
    severity: "info",
    message:
      `${message}: its current version was not made by Mycelium; ` +
      "if Terraform made it, Terraform must leave its content alone",
    remedy:
      "in the aws_secretsmanager_secret_version: lifecycle { ignore_changes = [secret_string, " +
      "version_stages] }",
  }
}

/** undefined, and noted in `denied`, where AWS does not permit it. */
export async function permitted<Value>(
  act: Promise<Value>,
  denied: string[],
  operation: string,
): Promise<Value | undefined> {
  try {
    return await act
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not-permitted") throw error
    denied.push(operation)
    return undefined
  }
}

function keyOf(described: Described | undefined): string {
  return described?.KmsKeyId ?? "aws/secretsmanager"
}

function missingRights(
  { message }: SecretCalls,
  place: SecretPlace,
  denied: readonly string[],
): AppError {
  const statement = {
    Effect: "Allow",
    Action: ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"].map(
      (operation) => `secretsmanager:${operation}`,
    ),
    Resource: policyArn(place),
  }
  return new AppError("not-permitted", `${message}: AWS does not permit ${denied.join(", ")}`, {
    hint:
      "give the identity of Mycelium this policy: " +
      `${JSON.stringify({ Version: "2012-10-17", Statement: [statement] })}`,
  })
}
