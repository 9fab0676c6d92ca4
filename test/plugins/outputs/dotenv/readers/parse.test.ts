import { describe, expect, test } from "bun:test"
import { readers } from "../../../../../src/plugins/outputs/dotenv/readers/index.ts"
import { read } from "./values.ts"

/**
 * How readers understand files of other people's making; each line was seen from the real program.
 * `null`: not to be told.
 */
type Case = readonly [keyof typeof readers, string, Readonly<Record<string, string | null>>]
const cases: readonly Case[] = [
  ["compose", 'A="a\\$b" # c\nB=x #y\nC=x#y\n', { A: "a$b", B: "x", C: "x#y" }],
  ["compose", "A='a\\'b'\nexport B: c\n", { A: "a'b", B: "c" }],
  ["compose", 'A=$B\nC=a$$b\nD="${X:-1}"\nE=a$1\n', { A: null, C: "a$b", D: null, E: "a$1" }],
  ["compose", 'A="x\nB=no\n"\nB=yes\nINHERITED\n', { A: "x\nB=no\n", B: "yes" }],
  ["compose", "\u00ef\u00bb\u00bfA= \r\nB = b \r\n", { A: "", B: "b" }],
  ["docker", 'A="b" # c\n# D=1\n  E=f \r\nINHERITED\n', { A: '"b" # c', E: "f " }],
  [
    "systemd",
    "A=b # c\nB=\"x\" 'y'\nC=a\\\nb\n;D=1\nE = f \n",
    { A: "b # c", B: "xy", C: "ab", E: "f" },
  ],
  ["systemd", "# c\\\nA=b\nB=c\n", { A: null, B: "c" }],
  [
    "shell",
    "A='b'\"c\"\\ d # e\nexport B=1 C=2\nD=1 command\nE=$A\n",
    { A: "bc d", B: "1", C: "2", E: null },
  ],
  [
    "shell",
    "if true; then\nA=1\nfi\nB=~/x\nC=(a b)\nD=x | cat\nF='\nG=no'\n",
    { A: null, B: null, C: null, D: null, F: "\nG=no" },
  ],
  [
    "shell",
    'f() {\nA=1\n}\nB="$(echo ")")"\nC=`x`\nD=${A:-"}"}\nE=$\'x\'\nG=ok\n',
    { A: null, B: null, C: null, D: null, E: null, G: "ok" },
  ],
  [
    "dotenv",
    "A='a # b' # c\nB=a # b\nC: d\nD=\"x\\ny\"\n",
    { A: "a # b", B: "a", C: "d", D: "x\ny" },
  ],
  ["dotenv", "A=`x\nB=no\n`\r\nB=yes\r\nC='x'y\n", { A: "x\nB=no\n", B: "yes", C: "'x'y" }],
  [
    "dotenv",
    "A='t'\u00e2\u0080\u00a8x'\nB='y\u00e2\u0080\u00a8z'\n",
    { A: "t", B: "y\u00e2\u0080\u00a8z" },
  ],
  ["dotenv", "A='t' # \u00e2\u0080\u00a9B=x\n\u00c2\u00a0C=y\n", { A: "t", B: "x", C: "y" }],
  ["node", "A='a'b\nB=\"x\ny\"\nC=a#b\nexport D=1\n", { A: "a", B: "x\ny", C: "a", D: "1" }],
  ["node", "junk\nA=1\n\tB=2\nC= \nD=3\n", { "junk\nA": null, A: null, B: null, C: null, D: "3" }],
  [
    "bun",
    "A=\"b\" # c\nB='a'b\nC=$A\nD='a\\$b'\nE=x y # z\n",
    { A: "b", B: null, C: null, D: "a$b", E: "x y" },
  ],
  ["expand", "A='$B'\nC='a\\$b'\nD='\\$(id)'\n", { A: null, C: "a$b", D: null }],
  [
    "python",
    "A='a\\'b' # c\nB=\"x\\ty\"\nC=a #b\nD=${A}\nE\nF=$A\n",
    { A: "a'b", B: "x\ty", C: "a", D: null, E: null, F: "$A" },
  ],
  ["python", "A='r\\\\'\nB=\nC= # c\nD='x y'\n", { A: null, B: null, C: null, D: null }],
  ["python", "A= # c\nB='x'\n", { A: null, B: "x" }],
  ["node", "A=1\n # c\nB=2\nC=3\n=d\nD=4\n", { A: "1", B: null, C: "3", D: null }],
  ["expand", "A='b'c\nB='d'\nC=e\t\n", { A: null, B: "d", C: null }],
  ["systemd", "A=b\\\\\t\nB=c\\ \t\n", { A: "b\\", B: "c " }],
  ["bun", 'A="b\\\rc"\nB=d\n', { A: "b\\\rc", B: "d" }],
  ["shell", 'A="$\u00e9"\nB=c\n', { A: null, B: "c" }],
  ["github", "A=b=c\nB<<END\nA=no\nEND\nC='d'\n", { A: "b=c", B: null, C: "'d'" }],
  [
    "portable",
    'A="b"\nB=c d\nC=e # f\nD = g\nE=\nF: h\n',
    { A: "b", B: null, C: null, D: null, E: "", F: null },
  ],
  ["portable", "A=1\nB=2\nexport A\nC\nD=3\r", { A: null, B: "2", C: null, D: null }],
  ["portable", "A=1\rB=2\rC=\r\nD=3\r\n", { A: null, B: null, C: null, D: "3" }],
  ["github", "\u00ef\u00bb\u00bfA=b\nB=c\n", { A: null, B: "c" }],
  [
    "portable",
    "A='x\nB=no\n'\nB=yes\n# c\\\nC=1\nexport D=2\n",
    { A: null, B: "yes", C: null, D: "2" },
  ],
]

describe("parse()", () => {
  test.each(cases)("%s reads %j", (name, text, meant) => {
    const found = read(readers[name], text)
    const expected = Object.entries(meant).filter(([key]) => !key.includes("\n"))
    expect(expected.map(([key]) => [key, found.get(key) ?? null])).toEqual(expected)
    expect([...found.keys()].sort()).toEqual(expected.map(([key]) => key).sort())
  })

  test.each([
    ["compose", 'A=b\nB="c\n', "line 2: a quoted value has no end"],
    ["compose", "A=b\n\nx!=c\n", "line 3: the name"],
    ["compose", "A b=c\n", "line 1: the name of a variable holds a blank"],
    ["docker", "A B=c\n", "line 1: the name"],
    ["docker", "A=\u00ff\n", "line 1: it is not valid UTF-8"],
    ["docker", "A=b\nB=c\n# \u00e9\nC=d\n", "line 3: it is not valid UTF-8"],
    ["github", "A=b\njunk\n", "line 2"],
    ["github", "A<<END\nb\n", "line 1: a block"],
    ["shell", "A='b\n", "line 1: a quote has no end"],
    ["shell", "A=1\ncat <<END\nB=1\nEND\n", "line 2: a here-document"],
    ["shell", 'A="$(x"\n', "has no end"],
    ["shell", "A=b)c\n", "would not understand"],
  ] as const)("%s refuses %j", (name, text, message) => {
    expect(() => readers[name].parse(text)).toThrow(message)
  })
})
