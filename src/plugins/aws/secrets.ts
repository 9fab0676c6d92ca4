import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { isOf, policyArn, requestArn } from "./arn.ts"
import { entryId, type SecretPlace } from "./options.ts"
import type { AwsSession } from "./session.ts"

/** Operations of Secrets Manager, each one request. */

/** Moved from version to version by each write of ours. AWSPENDING is of AWS's own rotation. */
export const stagedLabel = "mycelium"
/** Stays on the version that was there before our first one: Terraform may follow it by its id. */
export const foundLabel = "mycelium-found"
export const currentLabel = "AWSCURRENT"

const Arn = z.object({ ARN: z.string() })
const Described = Arn.extend({
  RotationEnabled: z.boolean().nullish(),
  OwningService: z.string().nullish(),
  /** Partners' secrets, which they rotate. */
  Type: z.string().nullish(),
  DeletedDate: z.unknown().optional(),
  KmsKeyId: z.string().nullish(),
  PrimaryRegion: z.string().nullish(),
  ReplicationStatus: z.array(z.object({ Region: z.string(), Status: z.string() })).nullish(),
  VersionIdsToStages: z.record(z.string(), z.array(z.string())).nullish(),
})
export type Described = z.output<typeof Described>

const Value = Arn.extend({ VersionId: z.string().min(1), SecretString: z.string().optional() })
const Put = Arn.extend({
  VersionId: z.string().min(1),
  VersionStages: z.array(z.string()).catch([]),
})

/** One secret, asked through one session. */
export class SecretCalls {
  readonly #session: AwsSession
  readonly #place: SecretPlace

  constructor(session: AwsSession, place: SecretPlace) {
    this.#session = session
    this.#place = place
  }

  get message(): string {
    return `${entryId(this.#place)}${this.#session.message}`
  }

  identity(signal: AbortSignal): Promise<string> {
    return this.#session.identity(this.#place, signal)
  }

  /** All but the value. undefined: there is no such secret. */
  async describe(signal: AbortSignal): Promise<Described | undefined> {
    try {
      return await this.#ask("DescribeSecret", {}, { schema: Described, signal })
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** undefined: no secret, or none of its versions is current. */
  async current(signal: AbortSignal): Promise<z.output<typeof Value> | undefined> {
    try {
      const body = { VersionStage: currentLabel }
      return await this.#ask("GetSecretValue", body, { schema: Value, signal })
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** A version under our label alone; of the first version of a secret AWS makes the current one. */
  put(
    { text, token }: { readonly text: string; readonly token: string },
    signal: AbortSignal,
  ): Promise<z.output<typeof Put>> {
    const body = { SecretString: text, ClientRequestToken: token, VersionStages: [stagedLabel] }
    return this.#ask("PutSecretValue", body, { schema: Put, signal })
  }

  /** A compare-and-swap: fails unless the label is at `from`, or at no version. */
  async move(
    { label, from, to }: { readonly label: string; readonly from?: string; readonly to?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const body = {
      VersionStage: label,
      ...(from === undefined ? {} : { RemoveFromVersionId: from }),
      ...(to === undefined ? {} : { MoveToVersionId: to }),
    }
    await this.#ask("UpdateSecretVersionStage", body, { schema: Arn, signal })
  }

  /** The name as it is, and nothing else: keys, policies and replicas are of those who describe them. */
  async create(
    { text, token }: { readonly text: string; readonly token: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { region, aws, name, account } = this.#place
    // The request names no account, so the one that would get the secret is asked for.
    const own = await this.#session.identity(this.#place, signal)
    if (own.split(":")[4] !== account)
      throw new AppError(
        "aws-account-differs",
        `${this.message}: the credentials are of another account, where no secret is made`,
        {
          hint: "correct aws.account, or aws.profile: aws sts get-caller-identity shows the account",
        },
      )
    await this.#session.ask(
      { region, aws },
      this.#question("CreateSecret", { Name: name, SecretString: text, ClientRequestToken: token }),
      signal,
    )
  }

  /** Whether this operation is permitted, by a question that changes and reads nothing. */
  async isPermitted(
    operation: "GetSecretValue" | "UpdateSecretVersionStage",
    signal: AbortSignal,
  ): Promise<AppError | undefined> {
    const none = "0".repeat(64)
    const body =
      operation === "GetSecretValue"
        ? { VersionId: none }
        : { VersionStage: stagedLabel, RemoveFromVersionId: none }
    try {
      await this.#ask(operation, body, { schema: Arn, signal })
    } catch (error) {
      if (error instanceof AppError && error.code === "not-permitted") return error
      // What stands in its way is asked for, and said, otherwise.
      if (!(error instanceof AppError) || !error.code.startsWith("aws-")) throw error
    }
    return undefined
  }

  async #ask<Schema extends typeof Arn>(
    operation: string,
    more: object,
    { schema, signal }: { readonly schema: Schema; readonly signal: AbortSignal },
  ): Promise<z.output<Schema>> {
    const body = { SecretId: requestArn(this.#place), ...more }
    const said = await this.#session.ask(this.#place, this.#question(operation, body), signal)
    const parsed = schema.safeParse(said)
    if (!parsed.success)
      throw new AppError("answer-malformed", `${this.message}: the answer is not understood`, {
        hint: "does aws.endpoint name Secrets Manager, and no proxy that answers in its place?",
      })
    if (!isOf(parsed.data.ARN, this.#place))
      throw new AppError("aws-account-differs", `${this.message}: another secret answers`, {
        hint: "give the secret's whole ARN: aws secretsmanager describe-secret shows it",
      })
    return parsed.data
  }

  #question(operation: string, body: object): Parameters<AwsSession["ask"]>[1] {
    const resource = policyArn(this.#place)
    return { service: "secretsmanager", operation, body, message: this.message, resource }
  }
}

/** The version that is current, made by others, if none keeps our label yet. */
export function foundIn({ VersionIdsToStages }: Described): string | undefined {
  const all = Object.entries(VersionIdsToStages ?? {})
  if (all.some(([, labels]) => labels.includes(foundLabel))) return undefined
  // Ours have the id that is their token.
  return all.find(
    ([id, labels]) => labels.includes(currentLabel) && !/^[0-9a-f]{64}$/.test(id),
  )?.[0]
}

function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === "aws-not-found"
}
