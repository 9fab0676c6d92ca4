import { Refusal, StrictApi, type StrictAsked, strictAccount, strictRegion } from "./strict-api.ts"

/**
 * Secrets Manager as AWS's documentation describes it, for what moto does not enforce: the rule of the token, 64 KiB, versions
 * that go once no label names them, labels that only one version has, replicas, resources in policies. It stands in for nothing
 * that moto does as well.
 */

export { strictAccount, strictRegion }

type Version = { readonly text: string; readonly labels: Set<string> }
export type StrictSecret = {
  readonly arn: string
  readonly name: string
  readonly versions: Map<string, Version>
  /** What DescribeSecret says besides. */
  described: Readonly<Record<string, unknown>>
}
const mostLabels = 20
const mostBytes = 65_536

export class StrictAws extends StrictApi {
  readonly service = "secretsmanager"
  readonly secrets = new Map<string, StrictSecret>()

  static start(): Promise<StrictAws> {
    return new StrictAws().listen()
  }

  create(name: string, text: string | undefined): StrictSecret {
    const arn = `arn:aws:secretsmanager:${strictRegion}:${strictAccount}:secret:${name}-AbCdEf`
    const secret: StrictSecret = { arn, name, versions: new Map(), described: {} }
    if (text !== undefined)
      secret.versions.set(crypto.randomUUID(), { text, labels: new Set(["AWSCURRENT"]) })
    this.secrets.set(name, secret)
    return secret
  }

  current(name: string): { readonly id: string; readonly text: string } | undefined {
    for (const [id, { text, labels }] of this.secrets.get(name)?.versions ?? [])
      if (labels.has("AWSCURRENT")) return { id, text }
    return undefined
  }

  /** As a program does that puts a value without naming labels: it is current at once. */
  publish(name: string, text: string): string {
    const secret = this.#secret(name)
    const id = crypto.randomUUID()
    secret.versions.set(id, { text, labels: new Set() })
    moveCurrent(secret, id)
    return id
  }

  /** What AWS may do at any time: versions without a label go. */
  collect(name: string): void {
    const { versions } = this.#secret(name)
    for (const [id, { labels }] of versions) if (labels.size === 0) versions.delete(id)
  }

  protected do(operation: string, body: StrictAsked["body"]): object {
    if (operation === "CreateSecret") return this.#create(body)
    const secret = this.#secret(String(body["SecretId"]))
    const named = { ARN: secret.arn, Name: secret.name }
    const isDeleted = secret.described["DeletedDate"] !== undefined
    if (operation === "DescribeSecret")
      return {
        ...named,
        ...secret.described,
        VersionIdsToStages: Object.fromEntries(
          [...secret.versions].flatMap(([id, { labels }]) =>
            labels.size === 0 ? [] : [[id, [...labels]]],
          ),
        ),
      }
    if (isDeleted)
      throw new Refusal(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      )
    if (operation === "GetSecretValue") return { ...named, ...valueOf(secret, body) }
    if (operation === "PutSecretValue") return { ...named, ...put(secret, body) }
    if (operation === "UpdateSecretVersionStage") {
      moveLabel(secret, body)
      return named
    }
    throw new Refusal("UnknownOperationException", operation)
  }

  #create(body: StrictAsked["body"]): object {
    const name = String(body["Name"])
    const { token, text } = versionIn(body)
    const there = this.secrets.get(name)
    if (there !== undefined) {
      if (there.versions.get(token)?.text !== text)
        throw new Refusal(
          "ResourceExistsException",
          `The operation failed because the secret ${name} already exists.`,
        )
      return { ARN: there.arn, Name: name, VersionId: token }
    }
    const secret = this.create(name, undefined)
    secret.versions.set(token, { text, labels: new Set(["AWSCURRENT"]) })
    return { ARN: secret.arn, Name: name, VersionId: token }
  }

  /** By name, whole ARN, or ARN without the six characters; of this region and account alone. */
  #secret(id: string): StrictSecret {
    for (const one of this.secrets.values())
      if ([one.name, one.arn, one.arn.slice(0, -7)].includes(id)) return one
    throw new Refusal(
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified secret.",
    )
  }
}

function versionIn(body: StrictAsked["body"]): { readonly token: string; readonly text: string } {
  const [token, text] = [String(body["ClientRequestToken"]), String(body["SecretString"])]
  if (token.length < 32 || token.length > 64)
    throw new Refusal(
      "InvalidParameterException",
      "ClientRequestToken must be 32-64 characters long.",
    )
  if (Buffer.byteLength(text) > mostBytes)
    throw new Refusal(
      "ValidationException",
      "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536",
    )
  return { token, text }
}

function valueOf({ versions }: StrictSecret, body: StrictAsked["body"]): object {
  const label = body["VersionStage"] ?? "AWSCURRENT"
  const found = [...versions].find(([id, { labels }]) =>
    body["VersionId"] === undefined ? labels.has(String(label)) : id === body["VersionId"],
  )
  if (found === undefined)
    throw new Refusal(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for staging label: ${String(label)}`,
    )
  const [id, { text, labels }] = found
  return { VersionId: id, SecretString: text, VersionStages: [...labels] }
}

/** "If a version with this value already exists and it is the same, the request is ignored": labels stay, too. */
function put(secret: StrictSecret, body: StrictAsked["body"]): object {
  const { token, text } = versionIn(body)
  const there = secret.versions.get(token)
  if (there !== undefined) {
    if (there.text !== text)
      throw new Refusal(
        "ResourceExistsException",
        "You can't use ClientRequestToken because that value is already in use for a version.",
      )
    return { VersionId: token, VersionStages: [...there.labels] }
  }
  const labels = body["VersionStages"] as readonly string[] | undefined
  const isFirst = secret.versions.size === 0
  secret.versions.set(token, { text, labels: new Set() })
  for (const label of labels ?? []) attach(secret, label, token)
  // Left out, it is current at once, uncompared; so is the first version.
  if (labels === undefined || isFirst) moveCurrent(secret, token)
  return { VersionId: token, VersionStages: [...(secret.versions.get(token)?.labels ?? [])] }
}

function moveLabel(secret: StrictSecret, body: StrictAsked["body"]): void {
  const label = String(body["VersionStage"])
  const [from, to] = [body["RemoveFromVersionId"], body["MoveToVersionId"]]
  const holder = [...secret.versions].find(([, { labels }]) => labels.has(label))?.[0]
  if (to !== undefined && !secret.versions.has(String(to)))
    throw new Refusal(
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified version.",
    )
  if (from !== undefined ? from !== holder : holder !== undefined)
    throw new Refusal(
      "InvalidParameterException",
      `The parameter RemoveFromVersionId isn't valid. Staging label ${label} is currently attached to version ${holder}.`,
    )
  if (to === undefined) secret.versions.get(String(from))?.labels.delete(label)
  else if (label === "AWSCURRENT") moveCurrent(secret, String(to))
  else attach(secret, label, String(to))
}

function attach({ versions }: StrictSecret, label: string, id: string): void {
  for (const { labels } of versions.values()) labels.delete(label)
  versions.get(id)?.labels.add(label)
  const all = [...versions.values()].reduce((sum, { labels }) => sum + labels.size, 0)
  if (all > mostLabels) throw new Refusal("LimitExceededException", "too many staging labels")
}

/** AWSPREVIOUS follows by itself. */
function moveCurrent(secret: StrictSecret, id: string): void {
  const holder = [...secret.versions].find(([, { labels }]) => labels.has("AWSCURRENT"))?.[0]
  if (holder === id) return
  if (holder !== undefined) attach(secret, "AWSPREVIOUS", holder)
  attach(secret, "AWSCURRENT", id)
  secret.versions.get(id)?.labels.delete("AWSPREVIOUS")
}
