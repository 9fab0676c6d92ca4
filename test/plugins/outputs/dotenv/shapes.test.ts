import { describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { credential, issued, never, opened, put, text as read } from "./opened.ts"
import type { Values } from "../../../../src/core/ports.ts"

/**
 * Files as projects have them, merged into. In each, § stands for the password that is replaced,
 * and ¶ for the same in a URL; every other byte must stay. Texts are latin1, one character a byte.
 */

const url = (scheme: string, at: string): string =>
  `${scheme}://{{ db.user }}:{{ db.password | url_encode }}@${at}`
type Shape = {
  readonly what: string
  readonly for: string
  readonly text: string
  /** Where the reader needs other quotes around the new value. */
  readonly after?: string
  readonly variables: Readonly<Record<string, string>>
}
const password = "{{ db.password }}"

function shape(
  what: string,
  reader: string,
  text: string,
  variables: Readonly<Record<string, string>> | string = "POSTGRES_PASSWORD",
): Shape {
  return {
    what,
    for: reader,
    text,
    variables: typeof variables === "string" ? { [variables]: password } : variables,
  }
}

const shapes: readonly Shape[] = [
  shape("one line, no final newline", "compose", "POSTGRES_PASSWORD=§"),
  shape(
    "Compose beside its yaml",
    "compose",
    "# Postgres\nPOSTGRES_USER=shop\nPOSTGRES_PASSWORD=§\nPOSTGRES_DB=shop\n",
  ),
  shape(
    "Compose with a project name and profiles",
    "compose",
    "COMPOSE_PROJECT_NAME=shop\nCOMPOSE_PROFILES=db,cache\nPOSTGRES_PASSWORD='§'\n",
  ),
  shape(
    "Laravel",
    "dotenv",
    "APP_NAME=Laravel\n" +
      "APP_ENV=local\n" +
      "APP_KEY=base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" +
      "APP_DEBUG=true\n" +
      "\n" +
      "LOG_CHANNEL=stack\n" +
      "\n" +
      "DB_CONNECTION=pgsql\n" +
      "DB_HOST=127.0.0.1\n" +
      "DB_PASSWORD=§\n" +
      "\n" +
      'MAIL_FROM_NAME="${APP_NAME}"\n',
    "DB_PASSWORD",
  ),
  {
    ...shape(
      "Symfony, with its markers",
      "dotenv",
      "###> doctrine/doctrine-bundle ###\n" +
        '# DATABASE_URL="sqlite:///%kernel.project_dir%/var/data.db"\n' +
        'DATABASE_URL="¶"\n' +
        "###< doctrine/doctrine-bundle ###\n",
      { DATABASE_URL: url("postgresql", "127.0.0.1:5432/app?serverVersion=16&charset=utf8") },
    ),
    after:
      "###> doctrine/doctrine-bundle ###\n" +
      '# DATABASE_URL="sqlite:///%kernel.project_dir%/var/data.db"\n' +
      "DATABASE_URL='¶'\n" +
      "###< doctrine/doctrine-bundle ###\n",
  },
  shape(
    "Rails with dotenv",
    "dotenv",
    "RAILS_ENV=development\nexport SECRET_KEY_BASE=abc\nexport DATABASE_URL=¶\n",
    { DATABASE_URL: url("postgres", "localhost/shop_development") },
  ),
  shape(
    "Django with django-environ",
    "python",
    "DEBUG=on\nSECRET_KEY='django-insecure-x#y'\nDATABASE_URL=¶\nALLOWED_HOSTS=a.example,b.example\n",
    { DATABASE_URL: url("psql", "127.0.0.1:8458/database") },
  ),
  shape(
    "Flask, blanks around the sign",
    "python",
    "FLASK_APP = app.py\nDB_PASS = §\nFLASK_ENV = production\n",
    "DB_PASS",
  ),
  shape(
    "Next.js",
    "expand",
    "# public\nNEXT_PUBLIC_API=https://api.example.com\nDB_PASS=§\nHOST=localhost\nURL=http://$HOST\n",
    "DB_PASS",
  ),
  shape("Vite", "expand", "VITE_TITLE='My shop'\nDB_PASSWORD='§'\n", "DB_PASSWORD"),
  shape(
    "Prisma",
    "dotenv",
    "# Environment variables declared in this file are automatically made available to " +
      "Prisma.\n" +
      "# See the documentation for more detail: https://pris.ly/d/prisma-schema\n" +
      "\n" +
      'DATABASE_URL="¶"\n',
    { DATABASE_URL: url("postgresql", "localhost:5432/mydb?schema=public") },
  ),
  shape(
    "create-react-app with a comment at the end",
    "dotenv",
    "REACT_APP_A=1\nDB_PASSWORD=§\n# the end",
    "DB_PASSWORD",
  ),
  shape(
    "node --env-file",
    "node",
    "NODE_OPTIONS='--enable-source-maps'\nREDIS_PASSWORD=§\n",
    "REDIS_PASSWORD",
  ),
  shape("Bun", "bun", 'A="b"\nREDIS_PASSWORD="§"\n', "REDIS_PASSWORD"),
  shape(
    "docker run --env-file, quotes are part of values",
    "docker",
    'MOTD="hello world"\nPOSTGRES_PASSWORD=§\nEMPTY=\nHOME\n',
  ),
  shape(
    "docker, comment signs in values",
    "docker",
    "A=b # no comment\nPOSTGRES_PASSWORD=§\n#C=d\n",
  ),
  shape(
    "a unit's EnvironmentFile",
    "systemd",
    '# /etc/default/shop\n\nLISTEN=127.0.0.1:8080\nPOSTGRES_PASSWORD=§\nFLAGS="--a --b"\n',
  ),
  shape(
    "a unit's file with joined lines",
    "systemd",
    "FLAGS=--a \\\n  --b \\\n  --c\nPOSTGRES_PASSWORD=§\n",
  ),
  shape(
    "a unit's file with semicolon comments",
    "systemd",
    "; generated\nPOSTGRES_PASSWORD='§'\n; end\n",
  ),
  shape(
    "/etc/default of a SysV script",
    "shell",
    '# Defaults for shop initscript\nDAEMON_OPTS="-w 4"\nPOSTGRES_PASSWORD="§"\n',
  ),
  shape(
    "a shell's file with exports",
    "shell",
    "export PGHOST=localhost\nexport PGPASSWORD='§'\nexport PGUSER=shop\n",
    "PGPASSWORD",
  ),
  shape(
    "a shell's file with allexport and a sourced one",
    "shell",
    "set -o allexport\n. ./common.env\nPOSTGRES_PASSWORD=§\nset +o allexport\n",
  ),
  shape("direnv", "shell", 'PATH_add bin\nlayout python3\nexport POSTGRES_PASSWORD="§"\n'),
  shape("with a shebang", "shell", "#!/bin/sh\nPOSTGRES_PASSWORD=§ # rotated\n"),
  shape("Windows line ends", "compose", "A=1\r\nPOSTGRES_PASSWORD=§\r\nB=2\r\n"),
  shape("Windows line ends, none at the end", "dotenv", 'A=1\r\nPOSTGRES_PASSWORD="§"\r\nB=2'),
  shape("mixed line ends", "compose", "A=1\r\nPOSTGRES_PASSWORD=§\nB=2\r\n\nC=3\n"),
  shape(
    "a byte order mark of Notepad",
    "compose",
    "\u00ef\u00bb\u00bfPOSTGRES_PASSWORD=§\r\nA=1\r\n",
  ),
  shape(
    "a certificate in quotes",
    "compose",
    'CERT="-----BEGIN CERTIFICATE-----\n' +
      "MIIB=POSTGRES_PASSWORD=no\n" +
      '-----END CERTIFICATE-----"\n' +
      "POSTGRES_PASSWORD=§\n",
  ),
  shape(
    "a private key in single quotes",
    "dotenv",
    "KEY='-----BEGIN KEY-----\nPOSTGRES_PASSWORD=inside\n-----END KEY-----\n'\nPOSTGRES_PASSWORD='§'\n",
  ),
  shape(
    "JSON in a value",
    "compose",
    'FIREBASE={"type":"service_account","private_key":"a\\nb"}\nPOSTGRES_PASSWORD=§\n',
  ),
  shape(
    "JSON in single quotes over lines",
    "node",
    "CONFIG='{\n  \"POSTGRES_PASSWORD\": 1\n}'\nPOSTGRES_PASSWORD=§\n",
  ),
  shape(
    "inline comments in columns",
    "compose",
    "A=1             # first\nPOSTGRES_PASSWORD=§   # the main one\nB=2             # last\n",
  ),
  shape("an inline comment behind quotes", "dotenv", 'POSTGRES_PASSWORD="§" # do not share\n'),
  shape(
    "commented copies of the same key",
    "compose",
    "#POSTGRES_PASSWORD=old1\n# POSTGRES_PASSWORD=old2\nPOSTGRES_PASSWORD=§\n#POSTGRES_PASSWORD=old3\n",
  ),
  shape(
    "names that begin and end alike",
    "compose",
    "POSTGRES_PASSWORD_FILE=/run/x\nMY_POSTGRES_PASSWORD=a\nPOSTGRES_PASSWORD=§\npostgres_password=b\n",
  ),
  shape("an unmanaged key that stands twice", "compose", "A=1\nPOSTGRES_PASSWORD=§\nA=2\n"),
  shape("tabs and blanks before keys", "compose", "  A=1\n\tPOSTGRES_PASSWORD=§\n   \n"),
  shape("blanks at the ends of lines", "compose", "A=1  \nPOSTGRES_PASSWORD=§  \nB=2\t\n"),
  shape("many empty lines", "compose", "\n\n\nPOSTGRES_PASSWORD=§\n\n\n\n"),
  shape(
    "sections with rulers",
    "compose",
    "#==============#\n#   DATABASE   #\n#==============#\nPOSTGRES_PASSWORD=§\n#--------------#\n",
  ),
  shape(
    "letters beyond ASCII in comments and values",
    "compose",
    "# M\u00c3\u00b6bel\nNAME=Caf\u00c3\u00a9\nPOSTGRES_PASSWORD=§\n",
  ),
  shape("bytes that are no UTF-8", "compose", "# \u00ff\u00fe\nNAME=\u00e9\nPOSTGRES_PASSWORD=§\n"),
  shape(
    "dollars and substitutions of others",
    "compose",
    "A=$HOME/x\nB=${A:-y}\nC=$$literal\nPOSTGRES_PASSWORD=§\n",
  ),
  shape(
    "a URL and its parts, both managed",
    "compose",
    "DB_USER=shop\nDB_PASSWORD=§\nDATABASE_URL=¶\n",
    { DB_PASSWORD: password, DATABASE_URL: url("postgresql", "db/shop") },
  ),
  shape(
    "a URL that repeats the variable by name",
    "compose",
    "POSTGRES_PASSWORD=§\nDATABASE_URL=postgres://shop:${POSTGRES_PASSWORD}@db/shop\n",
  ),
  shape(
    "a JDBC address",
    "portable",
    "SPRING_DATASOURCE_URL=jdbc:postgresql://db:5432/shop\nSPRING_DATASOURCE_PASSWORD=§\n",
    "SPRING_DATASOURCE_PASSWORD",
  ),
  shape(
    "n8n, all readers alike",
    "portable",
    "N8N_HOST=n8n.example.com\nN8N_PORT=5678\nDB_POSTGRESDB_PASSWORD=§\nGENERIC_TIMEZONE=Europe/Berlin\n",
    "DB_POSTGRESDB_PASSWORD",
  ),
  shape(
    "Supabase, with base64 that ends in signs",
    "compose",
    "JWT_SECRET=YWJjZA==\nPOSTGRES_PASSWORD=§\nANON_KEY=eyJhbGciOi.eyJyb2xl.x-_\n",
  ),
  shape(
    "Mastodon, with a key over one long line",
    "compose",
    `VAPID_PRIVATE_KEY=${"a".repeat(3000)}=\nDB_PASS=§\n`,
    "DB_PASS",
  ),
  shape(
    "Sentry, lists and globs",
    "compose",
    "SENTRY_EVENT_RETENTION_DAYS=90\nSENTRY_BIND=9000\nALLOW=*.example.com,[::1]\nPOSTGRES_PASSWORD=§\n",
  ),
  shape(
    "GitHub's env file with a here-document",
    "github",
    "NOTES<<EOF\nPOSTGRES_PASSWORD=inside\nEOF\nPOSTGRES_PASSWORD=§\n",
  ),
]

const [old, next] = ["Old-passw0rd.1", "New-passw0rd.2"]
const values = (value: string): Values => ({
  db: credential("v2", { user: "shop", password: value }),
})

function filled({ text, variables }: Shape, value: string): string {
  return text
    .replaceAll("§", value)
    .replaceAll(
      "¶",
      (variables["DATABASE_URL"] ?? "")
        .replace("{{ db.user }}", "shop")
        .replace("{{ db.password | url_encode }}", encodeURIComponent(value)),
    )
}

describe("merge: true on the files of real projects", () => {
  test("there are fifty of them, and each says what it is", () => {
    expect(shapes.length).toBeGreaterThanOrEqual(50)
    expect(new Set(shapes.map(({ what }) => what)).size).toBe(shapes.length)
  })

  test.each(shapes.map((one) => [one.what, one] as const))("%s", async (_, one) => {
    await using folder = await temporaryFolder()
    put(folder.path, Buffer.from(filled(one, old), "latin1"))
    const output = opened(folder.path, { for: one.for, merge: true, variables: one.variables })
    expect(await output.adopt(["db"])).toMatchObject({ db: { password: old } })
    const draft = await output.prepare(values(next), issued(old), never)
    const others = draft.changes.filter((name) => one.variables[name] === undefined)
    expect(draft.changes.filter((name) => one.variables[name] !== undefined).sort()).toEqual(
      Object.keys(one.variables).sort(),
    )
    // What names another variable changes with it; the file says so itself.
    for (const name of others) expect(one.text).toMatch(new RegExp(`^${name}=.*\\$`, "m"))
    await draft.commit()
    expect(read(folder.path)).toBe(filled({ ...one, text: one.after ?? one.text }, next))
    expect(await output.compare(values(next), never)).toBe("same")
    const back = await output.restore(Buffer.from(filled(one, old), "latin1"), never)
    await back.commit()
    expect(read(folder.path)).toBe(filled(one, old))
  })

  test.each(shapes.map((one) => [one.what, one] as const))(
    "refuses it where a managed key stands there twice: %s",
    async (_, one) => {
      await using folder = await temporaryFolder()
      const [name = ""] = Object.keys(one.variables)
      const lineEnd = one.text.includes("\r\n") ? "\r\n" : "\n"
      const end = one.text.endsWith("\n") ? "" : lineEnd
      const twice = `${filled(one, old)}${end}${name}=${filled(one, old).includes(`='${old}'`) ? `'${old}'` : old}\n`
      put(folder.path, Buffer.from(twice, "latin1"))
      const error = await errorOf(
        opened(folder.path, { for: one.for, merge: true, variables: one.variables }).prepare(
          values(next),
          issued(old),
          never,
        ),
      )
      expect({
        code: error.code,
        message: error.message.endsWith(`${name} stands there twice`),
      }).toEqual({ code: "output-key-twice", message: true })
      expect(read(folder.path)).toBe(twice)
    },
  )
})
