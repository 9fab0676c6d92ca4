import { Refusal, StrictApi, type StrictAsked, strictAccount, strictRegion } from "./strict-api.ts"

/**
 * Parameter Store as AWS's documentation describes it, for what moto does not enforce: an overwrite takes the default key of KMS
 * and the default tier unless it names them, keeps policies and tags, changes no type, has 4 or 8 KiB; an advanced parameter stays
 * one; 100 versions, of which the oldest may have no label; a pattern for values. It takes no ARN where AWS takes none.
 */

type Version = {
  readonly text: string
  readonly number: number
  readonly labels: readonly string[]
}
type Kept = {
  readonly type: string
  readonly keyId: string
  readonly tier: string
  readonly description?: string | undefined
  readonly pattern?: string | undefined
  readonly policies?: readonly object[] | undefined
}
export type StrictParameter = { readonly versions: readonly Version[]; readonly kept: Kept }

export const defaultKey = "alias/aws/ssm"
const sizes: Readonly<Record<string, number>> = { Standard: 4096, Advanced: 8192 }
const mostVersions = 100

export class StrictSsm extends StrictApi {
  readonly service = "ssm"
  readonly parameters = new Map<string, StrictParameter>()
  /** Of the answers of DescribeParameters: how many pages come empty first. */
  emptyPages = 0

  static start(): Promise<StrictSsm> {
    return new StrictSsm().listen()
  }

  /** As those do who describe the infrastructure. */
  make(name: string, text: string, kept: Partial<Kept> = {}): void {
    const all = { type: "SecureString", keyId: "alias/shop", tier: "Standard", ...kept }
    this.parameters.set(name, { versions: [{ text, number: 1, labels: [] }], kept: all })
  }

  /** As another program does. Its version. */
  publish(name: string, text: string): number {
    const { versions, kept } = this.#named(name)
    const number = (versions.at(-1)?.number ?? 0) + 1
    const all = [...versions, { text, number, labels: [] }]
    this.parameters.set(name, { versions: all.slice(-mostVersions), kept })
    return number
  }

  /** With these contents since it was made. */
  holds(name: string, texts: readonly string[]): void {
    const { kept } = this.#named(name)
    const versions = texts.map((text, index) => ({ text, number: index + 1, labels: [] }))
    this.parameters.set(name, { versions, kept })
  }

  label(name: string, number: number, label: string): void {
    const { versions, kept } = this.#named(name)
    const labelled = versions.map((one) =>
      one.number === number ? { ...one, labels: [label] } : one,
    )
    this.parameters.set(name, { versions: labelled, kept })
  }

  newest(name: string): Version | undefined {
    return this.parameters.get(name)?.versions.at(-1)
  }

  texts(name: string): readonly string[] {
    return this.#named(name).versions.map(({ text }) => text)
  }

  protected do(operation: string, body: StrictAsked["body"]): object {
    if (operation === "GetParameter") return this.#get(body)
    if (operation === "DescribeParameters") return this.#describe(body)
    if (operation === "PutParameter") return this.#put(body)
    throw new Refusal("UnknownOperationException", operation)
  }

  #named(name: string): StrictParameter {
    const found = this.parameters.get(name)
    if (found === undefined) throw new Refusal("ParameterNotFound", `Parameter ${name} not found.`)
    return found
  }

  #get(body: StrictAsked["body"]): object {
    const [name = "", number] = String(body["Name"]).split(":")
    const { versions, kept } = this.#named(name)
    const found =
      number === undefined ? versions.at(-1) : versions.find((one) => one.number === Number(number))
    if (found === undefined)
      throw new Refusal(
        "ParameterVersionNotFound",
        `Systems Manager could not find version ${number}.`,
      )
    return {
      Parameter: {
        Name: name,
        ARN: `arn:aws:ssm:${strictRegion}:${strictAccount}:parameter${name.startsWith("/") ? "" : "/"}${name}`,
        Type: kept.type,
        Value:
          body["WithDecryption"] === true || kept.type !== "SecureString" ? found.text : "AQICAH…",
        Version: found.number,
        LastModifiedDate: 1_764_000_000.5,
        DataType: "text",
      },
    }
  }

  #describe(body: StrictAsked["body"]): object {
    const [filter] = body["ParameterFilters"] as readonly { readonly Values: readonly string[] }[]
    const page = Number(body["NextToken"] ?? 0)
    if (page < this.emptyPages) return { Parameters: [], NextToken: String(page + 1) }
    const found = (filter?.Values ?? []).flatMap((name) => {
      const one = this.parameters.get(name)
      return one === undefined ? [] : [{ name, ...one }]
    })
    return {
      Parameters: found.map(({ name, versions, kept }) => ({
        Name: name,
        Type: kept.type,
        Tier: kept.tier,
        Version: versions.at(-1)?.number,
        Description: kept.description,
        AllowedPattern: kept.pattern,
        Policies: kept.policies,
        ...(kept.type === "SecureString" ? { KeyId: kept.keyId } : {}),
      })),
    }
  }

  #put(body: StrictAsked["body"]): object {
    const [name, text] = [String(body["Name"]), String(body["Value"])]
    if (name.startsWith("arn:")) throw new Refusal("ValidationException", "a name, and no ARN")
    const there = this.parameters.get(name)
    const pattern = textIn(body, "AllowedPattern") ?? there?.kept.pattern
    if (there !== undefined && body["Overwrite"] !== true)
      throw new Refusal("ParameterAlreadyExists", "The parameter already exists.")
    if (pattern !== undefined && !new RegExp(pattern).test(text))
      throw new Refusal("ParameterPatternMismatchException", "Parameter value failed its pattern.")
    const kept = this.#keptBy(body, there?.kept)
    if (Buffer.byteLength(text) > (sizes[kept.tier] ?? 0))
      throw new Refusal(
        "ValidationException",
        `${kept.tier} tier parameters have fewer characters.`,
      )
    const [oldest] = there?.versions ?? []
    if (there?.versions.length === mostVersions && (oldest?.labels.length ?? 0) > 0)
      throw new Refusal("ParameterMaxVersionLimitExceeded", "the oldest version has a label")
    this.parameters.set(name, { versions: there?.versions ?? [], kept: { ...kept, pattern } })
    return { Version: this.publish(name, text), Tier: kept.tier }
  }

  /** What is not named is the default, apart from policies. */
  #keptBy(body: StrictAsked["body"], there: Kept | undefined): Kept {
    const type = textIn(body, "Type") ?? there?.type
    if (type === undefined) throw new Refusal("ValidationException", "a type is required")
    if (there !== undefined && type !== there.type)
      throw new Refusal("HierarchyTypeMismatchException", "a type cannot be changed")
    const tier = textIn(body, "Tier") ?? "Standard"
    if (there?.tier === "Advanced" && tier === "Standard")
      throw new Refusal("ValidationException", "an advanced parameter stays one")
    return {
      type,
      tier,
      keyId: textIn(body, "KeyId") ?? defaultKey,
      description: textIn(body, "Description"),
      policies: there?.policies,
    }
  }
}

function textIn(body: StrictAsked["body"], key: string): string | undefined {
  return typeof body[key] === "string" ? body[key] : undefined
}
