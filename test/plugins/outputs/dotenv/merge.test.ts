import { describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { db, deliver, issued, never, opened, put, text } from "./opened.ts"

/** `old` and `new` stand for values; every other byte stays. Texts are latin1: one character a byte. */
type Shape = readonly [reader: string, before: string, after: string]
const shapes: readonly Shape[] = [
  ["compose", "PASSWORD=old\n", "PASSWORD=new\n"],
  ["compose", "PASSWORD=old", "PASSWORD=new"],
  ["compose", "A=1\nPASSWORD=old\nB=2\n", "A=1\nPASSWORD=new\nB=2\n"],
  ["compose", "A=1\r\nPASSWORD=old\r\nB=2\r\n", "A=1\r\nPASSWORD=new\r\nB=2\r\n"],
  ["compose", "\u00ef\u00bb\u00bfPASSWORD=old\n", "\u00ef\u00bb\u00bfPASSWORD=new\n"],
  ["compose", "  PASSWORD = old   # the main one\n", "  PASSWORD = new   # the main one\n"],
  ["compose", "\texport  PASSWORD=old\n", "\texport  PASSWORD=new\n"],
  ["compose", 'PASSWORD="old" # comment\n', 'PASSWORD="new" # comment\n'],
  ["compose", "PASSWORD='old'\n", "PASSWORD='new'\n"],
  ["compose", "PASSWORD: old\n", "PASSWORD: new\n"],
  [
    "compose",
    "# PASSWORD=commented\nPASSWORD=old\n# PASSWORD=again\n",
    "# PASSWORD=commented\nPASSWORD=new\n# PASSWORD=again\n",
  ],
  [
    "compose",
    'A="x\nPASSWORD=inside\n"\nPASSWORD=old\n',
    'A="x\nPASSWORD=inside\n"\nPASSWORD=new\n',
  ],
  [
    "compose",
    "A='x\nPASSWORD=inside\n'\n\n\nPASSWORD=old\n\n",
    "A='x\nPASSWORD=inside\n'\n\n\nPASSWORD=new\n\n",
  ],
  [
    "compose",
    'A="\\"\nPASSWORD=inside"\nPASSWORD=old\n',
    'A="\\"\nPASSWORD=inside"\nPASSWORD=new\n',
  ],
  [
    "compose",
    "NAME=\u00ff\u00fe\nPASSWORD=old\nX=\u0080\n",
    "NAME=\u00ff\u00fe\nPASSWORD=new\nX=\u0080\n",
  ],
  [
    "compose",
    "MY_PASSWORD=x\nPASSWORD_2=y\nPASSWORD=old\n",
    "MY_PASSWORD=x\nPASSWORD_2=y\nPASSWORD=new\n",
  ],
  ["compose", "PASSWORD=old\nURL=http://$PASSWORD@x\n", "PASSWORD=new\nURL=http://$PASSWORD@x\n"],
  ["compose", "PASSWORD=\n", "PASSWORD=new\n"],
  ["compose", 'PASSWORD="" # empty\n', 'PASSWORD="new" # empty\n'],
  ["compose", "PASSWORD=  \nA=1\n", "PASSWORD=new  \nA=1\n"],
  ["compose", "A=1\n", "A=1\nPASSWORD=new\n"],
  ["compose", "A=1", "A=1\nPASSWORD=new"],
  ["compose", "A=1\r\n# end", "A=1\r\n# end\r\nPASSWORD=new"],
  ["compose", "", "PASSWORD=new\n"],
  ["compose", "A=1\n\n\n# last\n", "A=1\n\n\n# last\nPASSWORD=new\n"],
  ["compose", "PASSWORD=old\nA=1\r\nB=2\n", "PASSWORD=new\nA=1\r\nB=2\n"],
  ["docker", 'A="x\nPASSWORD=old\nB=y"\n', 'A="x\nPASSWORD=new\nB=y"\n'],
  ["docker", "  PASSWORD=old\r\nA=1\r\n", "  PASSWORD=new\nA=1\r\n"],
  ["docker", "A=1\r\nPASSWORD=old\r", "A=1\r\nPASSWORD=new"],
  ["systemd", "; c\nPASSWORD = old \nA=b # c\n", "; c\nPASSWORD = new \nA=b # c\n"],
  [
    "systemd",
    'A=b\\\nPASSWORD=inside\nPASSWORD="old"\n',
    'A=b\\\nPASSWORD=inside\nPASSWORD="new"\n',
  ],
  [
    "shell",
    "set -a\nexport A=1 PASSWORD='old' B=2 # c\n. ./more\n",
    "set -a\nexport A=1 PASSWORD='new' B=2 # c\n. ./more\n",
  ],
  [
    "shell",
    "A=\"$(printf 'PASSWORD=inside')\"; PASSWORD=old; B=1\n",
    "A=\"$(printf 'PASSWORD=inside')\"; PASSWORD=new; B=1\n",
  ],
  [
    "dotenv",
    "A=`x\nPASSWORD=inside\n`\nPASSWORD=old#c\n",
    "A=`x\nPASSWORD=inside\n`\nPASSWORD=new#c\n",
  ],
  ["dotenv", "junk\nPASSWORD =\told\t\n", "junk\nPASSWORD =\tnew\t\n"],
  ["dotenv", "A='x'\r\nPASSWORD=\"old\"\r\n\r\nB=1", "A='x'\r\nPASSWORD=\"new\"\r\n\r\nB=1"],
  [
    "node",
    'A="x\nPASSWORD=inside"\n export PASSWORD=old # c\n',
    'A="x\nPASSWORD=inside"\n export PASSWORD=new # c\n',
  ],
  [
    "bun",
    "A=`x\nPASSWORD=inside`\nPASSWORD='old'\t# c\n",
    "A=`x\nPASSWORD=inside`\nPASSWORD='new'\t# c\n",
  ],
  ["expand", "A=$PASSWORD\nPASSWORD=old\n", "A=$PASSWORD\nPASSWORD=new\n"],
  [
    "python",
    "A='x\nPASSWORD=inside'\nexport PASSWORD='old' # c\n",
    "A='x\nPASSWORD=inside'\nexport PASSWORD='new' # c\n",
  ],
  [
    "github",
    "A<<END\nPASSWORD=inside\nEND\nPASSWORD=old\n",
    "A<<END\nPASSWORD=inside\nEND\nPASSWORD=new\n",
  ],
  ["portable", "export PASSWORD=\"old\"\nA='x # y'\n", "export PASSWORD=new\nA='x # y'\n"],
  ["portable", "A=b # c\r\nPASSWORD=old\r\n", "A=b # c\r\nPASSWORD=new\n"],
  ["portable", "A=b\r\n", "A=b\r\nPASSWORD=new\n"],
  ["shell", "A=b\r\n", "A=b\r\nPASSWORD=new\n"],
  ["github", "A=b\r\nB=c", "A=b\r\nB=c\nPASSWORD=new"],
]

describe("merge", () => {
  test.each(shapes)("%s turns %j into %j", async (reader, before, after) => {
    await using folder = await temporaryFolder()
    put(folder.path, Buffer.from(before, "latin1"))
    const output = opened(folder.path, { for: reader, merge: true })
    const draft = await output.prepare(db("new"), issued("old"), never)
    expect({
      changed: draft.changed,
      changes: draft.changes.filter((name) => name !== "URL"),
    }).toEqual({ changed: true, changes: ["PASSWORD"] })
    expect(text(folder.path)).toBe(before)
    await draft.commit()
    expect(text(folder.path)).toBe(after)
    expect((await output.prepare(db("new"), issued(), never)).changed).toBe(false)
    expect(await output.compare(db("new"), never)).toBe("same")
  })

  test("writes several values, those that need quotes too, and only those that change", async () => {
    await using folder = await temporaryFolder()
    put(folder.path, "USER='shop'\nPASSWORD=old # c\nURL=\"http://shop:old@x\"\nA=1\n")
    const output = opened(folder.path, {
      for: "compose",
      merge: true,
      variables: {
        URL: "http://{{ db.user }}:{{ db.password | url_encode }}@x",
        PASSWORD: "{{ db.password }}",
        USER: "{{ db.user }}",
        NEW: "{{ db.password }}",
      },
    })
    const draft = await deliver(output, db('a"b\\ $c\n'), issued("old"))
    expect(draft.changes).toEqual(["PASSWORD", "URL", "NEW"])
    expect(text(folder.path)).toBe(
      "USER='shop'\n" +
        `PASSWORD="a\\"b\\\\ \\$c\\n" # c\n` +
        `URL="http://shop:a%22b%5C+%24c%0A@x"\n` +
        "A=1\n" +
        `NEW="a\\"b\\\\ \\$c\\n"\n`,
    )
  })

  test.each([
    ["A=1\n\n# c\nPASSWORD=old # x\nB=2\n", 3],
    ["PASSWORD=old\n", 0],
    ["", 0],
    ["A='x\ny'\nPASSWORD='old'", 2],
  ])("counts the lines of others that stay in %j: %d", async (before, keeps) => {
    await using folder = await temporaryFolder()
    put(folder.path, before)
    expect(
      (
        await opened(folder.path, { for: "compose", merge: true }).prepare(
          db("new"),
          issued("old"),
          never,
        )
      ).keeps,
    ).toBe(keeps)
  })

  test("makes the file where there is none", async () => {
    await using folder = await temporaryFolder()
    await deliver(opened(folder.path, { merge: true }), db("new"))
    expect(text(folder.path)).toBe("PASSWORD=new\n")
  })

  test.each([
    [
      "compose",
      "PASSWORD=old\nA=1\nPASSWORD=old\n",
      "output-key-twice",
      "PASSWORD stands there twice",
    ],
    ["compose", 'A=1\nB="x\n', "output-unreadable", "line 2"],
    ["systemd", "A=1\nB=x\\", "output-not-read-back", "read otherwise"],
    ["portable", "A='x\nPASSWORD=old\n'\n", "output-drift", "cannot be told"],
    ["portable", "PASSWORD=old # c\n", "output-drift", "cannot be told"],
    ["compose", "PASSWORD=$OTHER\n", "output-drift", "cannot be told"],
    ["shell", "if x; then\nPASSWORD=old\nfi\n", "output-drift", "cannot be told"],
    ["shell", "PASSWORD=old\r\n", "output-drift", "not one Mycelium has stored"],
    ["portable", "A=1\rPASSWORD=old\rB=2\r", "output-drift", "cannot be told"],
    ["portable", "PASSWORD=old  \n", "output-drift", "cannot be told"],
    ["github", "\u00ef\u00bb\u00bfPASSWORD=old\n", "output-drift", "cannot be told"],
    ["compose", "A=1\0\nPASSWORD=old\n", "output-unreadable", "line 1: a NUL character"],
    ["portable", "A=1\n\0P\0", "output-unreadable", "line 2: a NUL character"],
  ])("%s refuses %j", async (reader, before, code, message) => {
    await using folder = await temporaryFolder()
    put(folder.path, Buffer.from(before, "latin1"))
    const error = await errorOf(
      opened(folder.path, { for: reader, merge: true }).prepare(db("new"), issued("old"), never),
    )
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.message).toContain(`${folder.path}/.env`)
    expect(text(folder.path)).toBe(before)
  })

  test.each([
    [
      "portable",
      "PASSWORD=old # c\n",
      "name the file's reader with for:, or write the value alone: no variables, " +
        "and no blanks or comment after it; or, if no program needs it, " +
        "empty it (PASSWORD=) and try again",
    ],
    [
      "compose",
      "PASSWORD=other\n",
      "if it is this secret's, mycelium adopt takes it over; or, if no program needs it, " +
        "empty it (PASSWORD=) and try again",
    ],
    [
      "portable",
      "A='x\nPASSWORD=b\n'\nPASSWORD=old\n",
      "delete one of the two lines; or, if one of them is part of another value, " +
        "name the file's reader with for:",
    ],
    ["compose", "PASSWORD=old\nPASSWORD=old\n", "delete one of the two lines"],
  ])("%s says what helps with %j", async (reader, before, hint) => {
    await using folder = await temporaryFolder()
    put(folder.path, before)
    expect(
      (
        await errorOf(
          opened(folder.path, { for: reader, merge: true }).prepare(
            db("new"),
            issued("old"),
            never,
          ),
        )
      ).hint,
    ).toBe(hint)
  })

  test("names key and reader of a value that cannot be written, never the value", async () => {
    await using folder = await temporaryFolder()
    const error = await errorOf(
      opened(folder.path, { for: "docker", merge: true }).prepare(db("qzq\nqzq"), issued(), never),
    )
    expect(error.code).toBe("output-value-unfit")
    expect(error.message).toContain("PASSWORD cannot be written for docker: it holds a line break")
    expect(Bun.inspect(error)).not.toContain("qzq")
  })
})
