import { createHash, createHmac } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { motoPrograms, type Programs } from "../../../scripts/servers.ts"
import { python } from "../../../scripts/servers/python-package.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { type Child, type Command, startChild, untilReady } from "./child.ts"
import { freePort } from "./free-port.ts"
import { usable } from "./programs.ts"
import { serversFolder } from "./servers-folder.ts"

/**
 * moto in AWS's place: Secrets Manager, Parameter Store, IAM and STS, with signatures and policies checked. What it does not do as AWS
 * does: it throttles nothing, takes any size, forgets no version, and knows no keys of KMS; test/support/strict-aws.ts and
 * strict-ssm.ts do that part.
 */

export type KeyPair = { readonly keyId: string; readonly key: string; readonly user: string }
export type AwsSaid = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

/** Of every account that moto makes up. */
export const motoAccount = "123456789012"
export const motoRegion = "eu-central-1"

/** Why there is none here; undefined where there is: for `test.skipIf`. */
export async function whyNoMoto(): Promise<string | undefined> {
  const found = await motoPrograms()
  return found.found ? undefined : found.why
}

export async function startMoto(): Promise<MotoServer> {
  const programs = await usable(await motoPrograms())
  const temporary = await temporaryFolder(serversFolder())
  const server = new MotoServer(programs, temporary)
  try {
    await hand(temporary.path)
    await server.start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

export class MotoServer implements AsyncDisposable {
  readonly #programs: Programs
  readonly #temporary: TemporaryFolder
  #port = 0
  #child: Child | undefined
  /** May do all. */
  #admin: KeyPair | undefined

  constructor(programs: Programs, temporary: TemporaryFolder) {
    this.#programs = programs
    this.#temporary = temporary
  }

  get port(): number {
    return this.#port
  }
  get address(): string {
    return `http://127.0.0.1:${this.#port}`
  }
  get admin(): KeyPair {
    if (this.#admin === undefined) throw new Error("this moto has not been started")
    return this.#admin
  }

  async start(): Promise<void> {
    this.#port = await freePort()
    const command: Command = {
      ifOrphaned: "KILL",
      argv: [
        python,
        "-c",
        "from moto.server import main; main()",
        "-H",
        "127.0.0.1",
        "-p",
        String(this.#port),
      ],
      env: {
        ...this.#programs.env,
        HOME: this.#temporary.path,
        PYTHONDONTWRITEBYTECODE: "1",
        INITIAL_NO_AUTH_ACTION_COUNT: "0",
      },
      folder: this.#temporary.path,
      log: this.#log,
    }
    this.#child = startChild(command)
    const answers = (): Promise<boolean> =>
      fetch(`${this.address}/moto-api/data.json`).then(
        ({ ok }) => ok,
        () => false,
      )
    if ((await untilReady(this.#child, command, answers)) === "ended")
      throw new Error(`moto did not start:\n${this.logs()}`)
    // The first ones need no signature: so an administrator comes about.
    await fetch(`${this.address}/moto-api/reset-auth`, { method: "POST", body: "3" })
    this.#admin = await this.#makeUser("*", "*", { keyId: "none", key: "none", user: "none" })
  }

  /** A user who may do these ("ssm:PutParameter"; of Secrets Manager without its name): moto checks actions, and no resources. */
  user(actions: readonly string[]): Promise<KeyPair> {
    return this.#makeUser(
      actions.map((one) => (one.includes(":") ? one : `secretsmanager:${one}`)),
      "*",
      this.admin,
    )
  }

  async #makeUser(action: unknown, resource: string, as: KeyPair): Promise<KeyPair> {
    const user = `u${crypto.randomUUID()}`
    await this.#iam({ Action: "CreateUser", UserName: user }, as)
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: action, Resource: resource }],
    }
    await this.#iam(
      {
        Action: "PutUserPolicy",
        UserName: user,
        PolicyName: "own",
        PolicyDocument: JSON.stringify(policy),
      },
      as,
    )
    const made = await this.#iam({ Action: "CreateAccessKey", UserName: user }, as)
    const [, keyId = ""] = /<AccessKeyId>([^<]+)</.exec(made) ?? []
    const [, key = ""] = /<SecretAccessKey>([^<]+)</.exec(made) ?? []
    return { keyId, key, user }
  }

  removeKey({ keyId, user }: KeyPair): Promise<string> {
    return this.#iam({ Action: "DeleteAccessKey", UserName: user, AccessKeyId: keyId }, this.admin)
  }

  async #iam(parameters: Readonly<Record<string, string>>, as: KeyPair): Promise<string> {
    // As botocore encodes, for moto encodes anew before it checks the signature.
    const text = new URLSearchParams({ ...parameters, Version: "2010-05-08" })
      .toString()
      .replaceAll("*", "%2A")
    const response = await this.#send(
      { service: "iam", region: "us-east-1", type: "application/x-www-form-urlencoded", text },
      as,
    )
    const said = await response.text()
    if (!response.ok) throw new Error(`IAM ${parameters["Action"]}: ${response.status} ${said}`)
    return said
  }

  /** An operation of Secrets Manager, or of Parameter Store ("ssm:GetParameter"), as the administrator. */
  async say(operation: string, body: object, region = motoRegion): Promise<AwsSaid> {
    const isParameters = operation.startsWith("ssm:")
    const response = await this.#send(
      {
        service: isParameters ? "ssm" : "secretsmanager",
        region,
        type: "application/x-amz-json-1.1",
        target: isParameters
          ? operation.replace("ssm:", "AmazonSSM.")
          : `secretsmanager.${operation}`,
        text: JSON.stringify(body),
      },
      this.admin,
    )
    return { status: response.status, body: (await response.json()) as AwsSaid["body"] }
  }

  /** `say`; throws where it says no. */
  async ask(...words: Parameters<MotoServer["say"]>): Promise<AwsSaid["body"]> {
    const { status, body } = await this.say(...words)
    if (status >= 300) throw new Error(`${words[0]}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** Makes a secret, as those who describe the infrastructure do. */
  async create(name: string, fields: object | undefined): Promise<void> {
    const content = fields === undefined ? {} : { SecretString: JSON.stringify(fields) }
    await this.ask("CreateSecret", { Name: name, ...content })
  }

  /** As another program does: what is put becomes current at once. (moto shows a put as current only where no version is named otherwise.) */
  async write(name: string, fields: object): Promise<void> {
    await this.ask("PutSecretValue", {
      SecretId: name,
      SecretString: JSON.stringify(fields),
      VersionStages: ["AWSCURRENT"],
    })
  }

  async read(name: string): Promise<SecretOf> {
    const { status, body } = await this.say("GetSecretValue", {
      SecretId: name,
      VersionStage: "AWSCURRENT",
    })
    const text = body["SecretString"]
    return {
      status,
      fields: typeof text === "string" ? (JSON.parse(text) as Record<string, unknown>) : undefined,
      version: String(body["VersionId"]),
    }
  }

  async versions(name: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const { VersionIdsToStages } = await this.ask("DescribeSecret", { SecretId: name })
    return (VersionIdsToStages ?? {}) as Record<string, string[]>
  }

  /** As another program does, or those who describe the infrastructure: a new version of a parameter. */
  async writeParameter(name: string, fields: object): Promise<void> {
    await this.ask("ssm:PutParameter", {
      Name: name,
      Value: JSON.stringify(fields),
      Type: "SecureString",
      Overwrite: true,
    })
  }

  async readParameter(name: string): Promise<SecretOf> {
    const { status, body } = await this.say("ssm:GetParameter", {
      Name: name,
      WithDecryption: true,
    })
    const { Value, Version } = (body["Parameter"] ?? {}) as Readonly<Record<string, unknown>>
    return {
      status,
      fields:
        typeof Value === "string" ? (JSON.parse(Value) as Record<string, unknown>) : undefined,
      version: String(Version),
    }
  }

  logs(): string {
    return readFileSync(this.#log, "utf8")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop("SIGKILL")
    await this.#temporary[Symbol.asyncDispose]()
  }

  get #log(): string {
    return join(this.#temporary.path, "log")
  }

  #send(request: Asked, as: KeyPair): Promise<Response> {
    const headers = signed({ ...request, host: `127.0.0.1:${this.#port}` }, as)
    return fetch(`${this.address}/`, {
      method: "POST",
      headers,
      body: request.text,
      signal: AbortSignal.timeout(10_000),
    })
  }
}

export type SecretOf = {
  readonly status: number
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly version: string
}
type Asked = {
  readonly service: string
  readonly region: string
  readonly type: string
  readonly target?: string
  readonly text: string
}

/** Signature version 4, written from its specification, so that ours is not its own judge. */
export function signed(
  { service, region, type, target, text, host }: Asked & { readonly host: string },
  { keyId, key }: Pick<KeyPair, "keyId" | "key">,
): Record<string, string> {
  const time = new Date().toISOString().replace(/[:-]|\.\d+/g, "")
  const headers: Record<string, string> = {
    "content-type": type,
    host,
    "x-amz-date": time,
    ...(target === undefined ? {} : { "x-amz-target": target }),
  }
  return {
    ...headers,
    authorization: authorization({ headers, text, time, service, region }, { keyId, key }),
  }
}

export type Signable = {
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly time: string
  readonly service: string
  readonly region: string
}

export function authorization(
  { headers, text, time, service, region }: Signable,
  { keyId, key }: Pick<KeyPair, "keyId" | "key">,
): string {
  const names = Object.keys(headers).toSorted()
  const list = names.join(";")
  const sum = (of: string): string => createHash("sha256").update(of).digest("hex")
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("")
  const canonical = `POST\n/\n\n${lines}\n${list}\n${sum(text)}`
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sum(canonical)}`
  const signing = scope
    .split("/")
    .reduce<string | Buffer>(
      (by, part) => createHmac("sha256", by).update(part).digest(),
      `AWS4${key}`,
    )
  const signature = createHmac("sha256", signing).update(toSign).digest("hex")
  return `AWS4-HMAC-SHA256 Credential=${keyId}/${scope}, SignedHeaders=${list}, Signature=${signature}`
}
