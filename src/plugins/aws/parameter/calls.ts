import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { AwsSession, Question } from "../session.ts"
import { parameterArn, parameterId, type ParameterPlace } from "./options.ts"

/** Operations of Parameter Store, each one request. */

const Parameter = z.object({
  Parameter: z.object({
    ARN: z.string(),
    Type: z.string(),
    Value: z.string(),
    Version: z.number().int().positive(),
  }),
})
export type Parameter = z.output<typeof Parameter>["Parameter"]

const Described = z.object({
  Parameters: z.array(
    z.object({
      Name: z.string(),
      Type: z.string(),
      KeyId: z.string().nullish(),
      Tier: z.string().nullish(),
      Description: z.string().nullish(),
      AllowedPattern: z.string().nullish(),
      Policies: z.array(z.object({ PolicyType: z.unknown() })).nullish(),
    }),
  ),
  NextToken: z.string().nullish(),
})
export type Described = z.output<typeof Described>["Parameters"][number]

const Put = z.object({ Version: z.number().int().positive() })

/** AWS may answer with an empty page and go on. */
const mostPages = 10

/** One parameter, asked through one session. */
export class ParameterCalls {
  readonly #session: AwsSession
  readonly #place: ParameterPlace

  constructor(session: AwsSession, place: ParameterPlace) {
    this.#session = session
    this.#place = place
  }

  get message(): string {
    return `${parameterId(this.#place)}${this.#session.message}`
  }

  identity(signal: AbortSignal): Promise<string> {
    return this.#session.identity(this.#place, signal)
  }

  /**
   * undefined: there is none. A request names no account, so the answer's is compared; where there is
   * no answer, the credentials' is.
   */
  async get(
    { decrypted, version }: { readonly decrypted: boolean; readonly version?: number },
    signal: AbortSignal,
  ): Promise<Parameter | undefined> {
    const { name } = this.#place
    const Name = version === undefined ? name : `${name}:${version}`
    const body = { Name, WithDecryption: decrypted }
    const said = await this.#ask("GetParameter", body, { schema: Parameter, signal }).catch(
      (error: unknown) => (isMissing(error) ? undefined : Promise.reject(error)),
    )
    if (said === undefined) {
      await this.#mustBeOurAccount(signal)
      return undefined
    }
    if (said.Parameter.ARN !== parameterArn(this.#place))
      throw new AppError("aws-account-differs", `${this.message}: another parameter answers`, {
        hint: "correct aws.account, aws.region or aws.profile: aws sts get-caller-identity shows the account",
      })
    return said.Parameter
  }

  /** All but the value. undefined: there is none. */
  async describe(signal: AbortSignal): Promise<Described | undefined> {
    const { name } = this.#place
    const body = { ParameterFilters: [{ Key: "Name", Option: "Equals", Values: [name] }] }
    let next: string | undefined
    for (let pages = 0; pages < mostPages; pages++) {
      const { Parameters, NextToken } = await this.#ask(
        "DescribeParameters",
        { ...body, ...present({ NextToken: next }) },
        { schema: Described, signal },
      )
      const own = Parameters.find((one) => one.Name === name)
      if (own !== undefined || NextToken === undefined || NextToken === null || NextToken === "")
        return own
      next = NextToken
    }
    throw new AppError("answer-malformed", `${this.message}: AWS's list does not come to its end`)
  }

  /** A new version; all else as it is. Policies and tags are kept by AWS if none are sent. */
  async put(
    { text, described }: { readonly text: string; readonly described: Described },
    signal: AbortSignal,
  ): Promise<number> {
    const { Type, KeyId, Tier, Description, AllowedPattern } = described
    const kept = { Type, KeyId, Tier, Description, AllowedPattern }
    const body = {
      Name: this.#place.name,
      Value: text,
      Overwrite: true,
      ...Object.fromEntries(Object.entries(kept).filter(([, one]) => (one ?? "") !== "")),
    }
    return (await this.#ask("PutParameter", body, { schema: Put, signal })).Version
  }

  /** Only while there is none of this name. */
  async create(text: string, signal: AbortSignal): Promise<number> {
    await this.#mustBeOurAccount(signal)
    const body = { Name: this.#place.name, Value: text, Overwrite: false, Type: "SecureString" }
    return (await this.#ask("PutParameter", body, { schema: Put, signal })).Version
  }

  /**
   * Whether writes are permitted, by one that cannot come to anything: not over what there is, and
   * not with a value that its own pattern forbids.
   */
  async isWritePermitted(signal: AbortSignal): Promise<boolean> {
    const body = {
      Name: this.#place.name,
      Value: "asks",
      Type: "String",
      AllowedPattern: "^$",
      Overwrite: false,
    }
    try {
      await this.#ask("PutParameter", body, { schema: Put, signal })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (error.code === "not-permitted") return false
      if (!error.code.startsWith("aws-")) throw error
    }
    return true
  }

  async #mustBeOurAccount(signal: AbortSignal): Promise<void> {
    const own = await this.identity(signal)
    if (own.split(":")[4] !== this.#place.account)
      throw new AppError(
        "aws-account-differs",
        `${this.message}: the credentials are of another account`,
        {
          hint: "correct aws.account, or aws.profile: aws sts get-caller-identity shows the account",
        },
      )
  }

  async #ask<Schema extends z.ZodType>(
    operation: string,
    body: object,
    { schema, signal }: { readonly schema: Schema; readonly signal: AbortSignal },
  ): Promise<z.output<Schema>> {
    const question: Question = {
      service: "ssm",
      operation,
      body,
      message: this.message,
      // It takes no other.
      resource: operation === "DescribeParameters" ? "*" : parameterArn(this.#place),
    }
    const parsed = schema.safeParse(await this.#session.ask(this.#place, question, signal))
    if (parsed.success) return parsed.data
    throw new AppError("answer-malformed", `${this.message}: the answer is not understood`, {
      hint: "does aws.endpoint name Parameter Store (ssm), and no proxy that answers in its place?",
    })
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === "aws-not-found"
}
