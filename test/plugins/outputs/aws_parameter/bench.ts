import { afterAll, afterEach, beforeAll, beforeEach, describe } from "bun:test"
import { ActivityScope } from "../../../../src/base/activity-scope.ts"
import { realHost } from "../../../../src/base/system/host.ts"
import type { Landed } from "../../../../src/core/entry.ts"
import type {
  Credential,
  Draft,
  IssuedVersions,
  Output,
  Values,
} from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { awsParameter } from "../../../../src/plugins/outputs/aws_parameter.ts"
import { withAwsKeys } from "../../../support/aws-keys.ts"
import { strictAccount, strictRegion } from "../../../support/strict-api.ts"
import { StrictSsm } from "../../../support/strict-ssm.ts"

/** The output aws_parameter at a stand-in for Parameter Store, for what moto does not enforce. */

export const ends = (): AbortSignal => AbortSignal.timeout(10_000)
export const newValue = (): string => `v-${crypto.randomUUID()}`
const theirs = '"big":12345678901234567890,"text":"caf\\u00e9"'
export const contentOf = (value: string, others = theirs): string =>
  `{"DB_USER":"shop","DB_PASSWORD":"${value}",${others}}`

function version(value: string): Credential {
  return { version: value, fields: { user: "shop", password: new Secret("test", value) } }
}
export const values = (value: string): Values => ({ db: version(value) })
export const knows =
  (...known: readonly string[]): IssuedVersions =>
  async () =>
    known.map(version)
export const tokenOf = (content: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(content).digest("hex")

/** As the engine does: committed, and settled if the answer was lost. */
export async function commit(draft: Draft): Promise<Landed> {
  const landed = (await draft.commit(tokenOf, ends())) as Landed
  return landed.is === "unknown" && draft.settle !== undefined
    ? draft.settle(tokenOf, ends())
    : landed
}

export async function show(
  output: Output,
  value: string,
  ...known: readonly string[]
): Promise<Landed> {
  return commit(await output.prepare(values(value), knows(...known, value), ends()))
}

export class Bench {
  readonly ssm: StrictSsm
  activity = new ActivityScope()
  #names = 0

  constructor(ssm: StrictSsm) {
    this.ssm = ssm
  }

  name(): string {
    return `/shop/db-${this.#names++}`
  }

  open(name: string, options: object = {}): Output {
    const aws = {
      region: strictRegion,
      account: strictAccount,
      endpoint: this.ssm.address,
      listener: "any",
    }
    return awsParameter.open(
      awsParameter.options.parse({
        aws_parameter: name,
        aws,
        variables: { DB_USER: "{{ db.user }}", DB_PASSWORD: "{{ db.password }}" },
        ...options,
      }),
      {
        folder: "/",
        label: "production",
        manager: {
          host: realHost({}),
          activity: this.activity,
          credential: () => Promise.reject(new Error("not asked")),
        },
      },
    )
  }

  operations(): readonly string[] {
    return this.ssm.asked.map(({ operation }) => operation)
  }
  writes(): number {
    return this.operations().filter((one) => one === "PutParameter").length
  }
  beforeFirstWrite(act: () => void): void {
    let isFirst = true
    this.ssm.before = ({ operation }) => {
      if (operation !== "PutParameter" || !isFirst) return
      isFirst = false
      act()
    }
  }
  loseFirstWrite(): void {
    let isFirst = true
    this.ssm.loses = ({ operation }) => {
      const loses = operation === "PutParameter" && isFirst
      if (loses) isFirst = false
      return loses
    }
  }
}

/** `run` may ask for the bench within its tests. */
export function atStrictSsm(title: string, run: (bench: () => Bench) => void): void {
  describe(title, () => {
    let bench: Bench
    let keys: Disposable
    let leave: () => Promise<void>
    beforeAll(async () => {
      bench = new Bench(await StrictSsm.start())
      keys = withAwsKeys(bench.ssm.keys)
    })
    afterAll(async () => {
      keys[Symbol.dispose]()
      await bench.ssm[Symbol.asyncDispose]()
    })
    beforeEach(() => {
      bench.activity = new ActivityScope()
      leave = bench.activity.join()
      bench.ssm.reset()
      bench.ssm.emptyPages = 0
    })
    afterEach(() => leave())
    run(() => bench)
  })
}
