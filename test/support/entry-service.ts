import { entryRights } from "./vault-shop.ts"
import type { Project } from "./mycelium.ts"
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
