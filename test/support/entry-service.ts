import { entryRights } from "./vault-shop.ts"
import type { Project } from "./mycelium.ts"
import { strictAccount, strictRegion } from "./strict-api.ts"
import type { StrictSsm } from "./strict-ssm.ts"
import { account } from "./servers/account.ts"
import type { OpenBaoServer } from "./servers/openbao.ts"
import type { Held, Holder, Login, Service } from "./shop-services.ts"

/** A service whose login an entry of OpenBao shows, too, beside a field of others. */
export function entryService(inner: Service, vault: OpenBaoServer, path: string): Service {
  const [user = "", password = ""] = inner.lines.map((line) => line.replace(/^[^=]+=/, ""))
  const first = { user, password, theirs: "stays" }
  const shownThere = async (): Promise<Login> => {
    const { fields } = await vault.read(path)
    return { user: String(fields?.["user"] ?? ""), password: String(fields?.["password"] ?? "") }
  }
  return {
    ...inner,
    entry: holderOf(vault, path),
    begin: async (project: Project) => {
      await inner.begin(project)
      await vault.write(path, first)
      const role = await vault.approle(entryRights(path))
      project.write("secret-id", role.secretId)
      project.write("role-id", role.roleId)
    },
    outputs: (project) => [
      {
        vault: {
          server: {
            address: vault.address,
            listener: account?.uid ?? "any",
            auth: {
              approle: {
                role_id: project.read("role-id"),
                secret_id: { file: "secret-id" },
              },
            },
          },
          path,
        },
        variables: { user: "{{ postgres.user }}", password: "{{ postgres.password }}" },
        readers: { within: "0s" },
      },
    ],
    shownElsewhere: async () => {
      const { fields, status } = await vault.read(path)
      if (status !== 200) return "the entry is gone"
      if (fields?.["theirs"] !== "stays") return "a field of others in the entry has changed"
      return shownThere()
    },
  }
}

/** A service whose login a parameter of AWS's Parameter Store (a stand-in for it) shows, too, beside a field of others. */
export function parameterService(inner: Service, ssm: StrictSsm, name: string): Service {
  const [user = "", password = ""] = inner.lines.map((line) => line.replace(/^[^=]+=/, ""))
  const first = JSON.stringify({ user, password, theirs: "stays" })
  return {
    ...inner,
    entry: {
      port: Number(new URL(ssm.address).port),
      held: () => Promise.resolve({ [name]: ssm.texts(name) }),
      hold: (held: Held) => Promise.resolve(ssm.holds(name, held[name] ?? [])),
    },
    begin: async (project: Project) => {
      await inner.begin(project)
      ssm.make(name, first)
      const { keyId, key } = ssm.keys
      project.write(
        "../home/.aws/credentials",
        `[default]\naws_access_key_id = ${keyId}\naws_secret_access_key = ${key}\n`,
      )
    },
    outputs: () => [
      {
        aws_parameter: name,
        aws: {
          region: strictRegion,
          account: strictAccount,
          endpoint: ssm.address,
          listener: "any",
        },
        variables: { user: "{{ postgres.user }}", password: "{{ postgres.password }}" },
        readers: { within: "0s" },
      },
    ],
    shownElsewhere: () => {
      const shown = JSON.parse(ssm.newest(name)?.text ?? "{}") as Record<string, unknown>
      return Promise.resolve(
        shown["theirs"] === "stays"
          ? { user: String(shown["user"] ?? ""), password: String(shown["password"] ?? "") }
          : "a field of others in the parameter has changed",
      )
    },
  }
}

/** All versions of the entry, the oldest first: a write is taken only if it names the newest. */
function holderOf(vault: OpenBaoServer, path: string): Holder {
  const versionsOf = async (): Promise<readonly string[]> => {
    const { status, version: newest } = await vault.read(path)
    if (status !== 200) throw new Error(`the entry is answered with ${status}`)
    const all = Array.from({ length: newest }, (_, index) => vault.read(path, index + 1))
    return (await Promise.all(all)).map(({ fields }) => JSON.stringify(fields))
  }
  return {
    port: vault.port,
    held: async () => ({ [path]: await versionsOf() }),
    hold: async (held: Held) => {
      await vault.ask("DELETE", `secret/metadata/${path}`)
      for (const fields of held[path] ?? [])
        await vault.write(path, JSON.parse(fields) as Readonly<Record<string, unknown>>)
    },
  }
}
