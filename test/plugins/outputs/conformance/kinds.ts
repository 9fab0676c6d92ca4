import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "../../../../src/core/ports.ts"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"
import { folder as folderType } from "../../../../src/plugins/outputs/folder/index.ts"
import { json } from "../../../../src/plugins/outputs/json.ts"
import { template } from "../../../../src/plugins/outputs/template.ts"
import { yaml } from "../../../../src/plugins/outputs/yaml.ts"
import type { Kind, Shows } from "./harness.ts"

type More = Readonly<Record<string, unknown>>
const variables = {
  USER: "{{ db.user }}",
  PASSWORD: "{{ db.password }}",
  KEY: "{{ key.password }}",
}
const tree = {
  db: { user: "{{ db.user }}", password: "{{ db.password }}" },
  "session.key": "{{ key.password }}",
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), "utf8")
}
function write(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
}

function dotenvKind(merge: boolean): Kind {
  return {
    files: [".env"],
    open: (folder, more) =>
      dotenv.open(dotenv.options.parse({ dotenv: ".env", merge, variables, ...more }), {
        folder,
        label: "production",
      }),
    reads: (folder) => {
      const found = Object.fromEntries(
        [...read(folder, ".env").matchAll(/^(?:export )?([A-Z]+)=(["']?)(.*?)\2\r?$/gm)].map(
          ([, name = "", , value = ""]) => [name, value],
        ),
      )
      return {
        user: found["USER"] ?? "",
        password: found["PASSWORD"] ?? "",
        key: found["KEY"] ?? "",
      }
    },
    byHand: (folder, { user, password, key }) =>
      write(
        folder,
        ".env",
        `${merge ? "# mine" : ""}\nexport KEY='${key}'\nUSER="${user}"\r\nPASSWORD=${password}`,
      ),
    merged: merge,
    ...(merge ? {} : { foreign: (folder: string) => write(folder, ".env", "OTHER=1\n") }),
    withoutDb: "key",
  }
}

function templateKind(
  text: string,
  reads: (text: string) => Shows,
  byHand: (shows: Shows) => string,
  oneWay: boolean,
): Kind {
  return {
    files: ["redis.conf"],
    open: (folder: string, more: More = {}): Output =>
      template.open(template.options.parse({ template: "redis.conf", text, ...more }), {
        folder,
        label: "production",
      }),
    reads: (folder) => reads(read(folder, "redis.conf")),
    byHand: (folder, shows) => write(folder, "redis.conf", byHand(shows)),
    foreign: (folder) => write(folder, "redis.conf", "maxmemory 1gb\n"),
    withoutDb: "nothing",
    oneWay,
  }
}

const words = (text: string): Shows => {
  const found = Object.fromEntries(
    text
      .split("\n")
      .map((line) => line.split(" "))
      .map(([word = "", value = ""]) => [word, value]),
  )
  return {
    user: found["user"] ?? "",
    password: found["requirepass"] ?? "",
    key: decodeURIComponent(found["url"]?.slice("redis://".length) ?? ""),
  }
}
const conf = ({ user, password, key }: Shows): string =>
  `# redis\nuser ${user}\nrequirepass ${password}\nurl redis://${encodeURIComponent(key)}\n`

export const replaced: Readonly<Record<string, Kind>> = {
  "dotenv, the whole file": dotenvKind(false),
  "dotenv, merged": dotenvKind(true),
  template: templateKind(
    "# redis\n" +
      "user {{ db.user }}\n" +
      "requirepass {{ db.password }}\n" +
      "url redis://{{ key.password | url_encode }}\n",
    words,
    conf,
    false,
  ),
  "template, one way": templateKind(
    "{% if db.user %}user {{ db.user }}\n" +
      "requirepass {{ db.password | strip }}\n" +
      "url redis://{{ key.password }}\n" +
      "{% endif %}",
    words,
    ({ user, password, key }) => `user ${user}\nrequirepass ${password}\nurl redis://${key}\n`,
    true,
  ),
  json: {
    files: ["secrets.json"],
    open: (folder, more) =>
      json.open(json.options.parse({ json: "secrets.json", variables: tree, ...more }), {
        folder,
        label: "production",
      }),
    reads: (folder) => {
      const found = JSON.parse(read(folder, "secrets.json")) as {
        readonly db: { readonly user: string; readonly password: string }
        readonly "session.key": string
      }
      return { ...found.db, key: found["session.key"] }
    },
    byHand: (folder, { user, password, key }) =>
      write(
        folder,
        "secrets.json",
        `{"session.key":"${key}",\t"db":{"password" : ` +
          `${JSON.stringify(password).replaceAll("a", "\\u0061")}, "user":"${user}"}}`,
      ),
    foreign: (folder) => write(folder, "secrets.json", '{"db":{"user":""},"other":1}'),
    withoutDb: "key",
  },
  yaml: {
    files: ["application.yml"],
    open: (folder, more) =>
      yaml.open(yaml.options.parse({ yaml: "application.yml", variables: tree, ...more }), {
        folder,
        label: "production",
      }),
    reads: (folder) => {
      const text = read(folder, "application.yml")
      const value = (key: string): string =>
        String(JSON.parse(new RegExp(`^ *${key}: (".*")$`, "m").exec(text)?.[1] ?? '""'))
      return { user: value("user"), password: value("password"), key: value('"session.key"') }
    },
    byHand: (folder, { user, password, key }) =>
      write(
        folder,
        "application.yml",
        `session.key: '${key}'\ndb: { password: ${password},\n  user: "${user}" }\n`,
      ),
    foreign: (folder) => write(folder, "application.yml", "# mine\ndb:\n  user: ''\n"),
    withoutDb: "key",
  },
  folder: {
    files: ["run/db_user", "run/db_password", "run/key"],
    open: (folder, more) =>
      folderType.open(
        folderType.options.parse({
          folder: "run",
          files: {
            db_user: "{{ db.user }}",
            db_password: "{{ db.password }}",
            key: "{{ key.password }}",
          },
          ...more,
        }),
        { folder, label: "production" },
      ),
    reads: (folder) => ({
      user: read(folder, "run/db_user"),
      password: read(folder, "run/db_password"),
      key: read(folder, "run/key"),
    }),
    byHand: (folder, { user, password, key }) => {
      mkdirSync(join(folder, "run"), { mode: 0o700, recursive: true })
      write(folder, "run/db_user", `${user}\n`)
      write(folder, "run/db_password", password)
      write(folder, "run/key", `${key}\r\n`)
    },
    withoutDb: "key",
  },
}

/** The same, written into the file that is there. */
const inPlace = Object.entries(replaced)
  .filter(([, { files }]) => files.length === 1)
  .map(([name, kind]): readonly [string, Kind] => [
    `${name}, in place`,
    {
      ...kind,
      inPlace: true,
      open: (folder, more) => kind.open(folder, { in_place: true, ...more }),
    },
  ])

export const kinds: Readonly<Record<string, Kind>> = { ...replaced, ...Object.fromEntries(inPlace) }
