import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { EntryInspection } from "../../../core/entry.ts"
import { permitted } from "../inspect.ts"
import type { Described, ParameterCalls } from "./calls.ts"
import { obstacle } from "./may-write.ts"
import { parameterArn, type ParameterPlace } from "./options.ts"

/** Who we are at AWS, with which key the parameter is sealed, and what would stand in the way. */
export async function inspectParameter(
  calls: ParameterCalls,
  place: ParameterPlace,
  signal: AbortSignal,
): Promise<EntryInspection> {
  const account = await calls.identity(signal)
  try {
    const denied: string[] = []
    const described = await permitted(calls.describe(signal), denied, "DescribeParameters")
    await permitted(calls.get({ decrypted: false }, signal), denied, "GetParameter")
    if (!(await calls.isWritePermitted(signal))) denied.push("PutParameter")
    if (denied.length > 0) throw missingRights(calls, place, denied)
    const fault = described === undefined ? undefined : obstacle(described, calls.message)
    if (fault !== undefined) throw fault
    return { account: `${account} (KMS key ${keyOf(described)})`, findings: [] }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, message, hint: remedy } = error
    return { account, findings: [{ code, severity: "error", message, ...present({ remedy }) }] }
  }
}

function keyOf(described: Described | undefined): string {
  return described?.KeyId ?? "alias/aws/ssm"
}

function missingRights(
  { message }: ParameterCalls,
  place: ParameterPlace,
  denied: readonly string[],
): AppError {
  const statement = (operations: readonly string[], Resource: string): object => ({
    Effect: "Allow",
    Action: operations.map((operation) => `ssm:${operation}`),
    Resource,
  })
  const Statement = [
    statement(["GetParameter", "PutParameter"], parameterArn(place)),
    statement(["DescribeParameters"], "*"),
  ]
  return new AppError("not-permitted", `${message}: AWS does not permit ${denied.join(", ")}`, {
    hint:
      "give the identity of Mycelium this policy: " +
      `${JSON.stringify({ Version: "2012-10-17", Statement })}`,
  })
}
