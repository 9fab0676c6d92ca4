import { describe, expect, test } from "bun:test"
import { environment, secret, told } from "./fake-plugins.ts"

/** What people are told, sentence by sentence: the config, and all that is said about it. */

const one = "secrets: { db: generated }"
const output = (options: string): string =>
  environment(`${one}\noutputs: [{ dotenv: .env, ${options} }]`)
const deployment = (options: string): string =>
  environment(`${one}\ndeployments:\n  api: ${options}`)
const byReference =
  "a credential comes by reference, never as text: { file: … }, { env: … }, { command: " +
  "[ … ] }, { vault: { … } } or { aws_secret: { … } }"
const drivers = "expected one of generated, postgres, exec"

const cases: Readonly<
  Record<string, readonly (readonly [name: string, text: string, message: string])[]>
> = {
  "the text": [
    ["empty", "", "1:1  expected a map of keys, found nothing\n"],
    ["a list", "- a\n", "1:1  expected a map of keys\n"],
    [
      "a tab",
      "project: shop\nenvironments:\n\tproduction: {}\n",
      "3:1  indent with spaces: YAML refuses tabs\n",
    ],
    [
      "a key that stands twice",
      `${environment(one)}project: other\n`,
      "6:1  project: this key is given twice\n  " +
        "hint: remove one of the two: the other would be ignored silently\n",
    ],
    [
      "an open quote",
      'project: "shop\n',
      "2:1  a quote or a bracket is not closed, or a colon is missing\n",
    ],
    [
      "a merge key",
      `${environment(one)}<<: { a: b }\n`,
      "6:1  merge keys (`<<`) are not supported: write the keys out\n",
    ],
    [
      "a tag",
      `${environment(one)}store: !secret /x\n`,
      "6:8  tags (`!…`) have no meaning here\n  " +
        "hint: a text that begins with one of * & ! % @ ` or holds a colon and a space needs " +
        "quotes\n",
    ],
    [
      "a second document",
      `${environment(one)}---\na: b\n`,
      "6:1  a second document begins here: a config is one document\n",
    ],
    [
      "an alias without anchor",
      `${environment(one)}store: *here\n`,
      "6:8  store: this alias (`*`) has no anchor; a text that begins with `*` needs quotes\n",
    ],
    [
      "an alias of itself",
      "project: &a [*a]\n",
      "1:14  nested too deeply, or an alias that contains itself\n",
    ],
    [
      "an infinite number",
      `${environment(one)}store: .inf\n`,
      "6:8  store: expected a finite number; put a text in quotes\n",
    ],
    [
      "a NUL character",
      `${environment(one)}store: "a\\0b"\n`,
      "6:8  store: a text must not hold a NUL character\n",
    ],
    [
      "a bare cron pattern of stars",
      `${environment(one)}schedule: * * * * *\n`,
      "6:11  this is not valid YAML here\n  " +
        "hint: a text that begins with one of * & ! % @ ` or holds a colon and a space needs " +
        'quotes: schedule: "* * * * *"\n',
    ],
    [
      "the key of prototypes",
      `${environment(one)}__proto__: { a: b }\n`,
      "6:1  this key is not allowed\n",
    ],
  ],
  "templates without quotes": [
    [
      "in a map of its own line",
      output("variables: { A: {{ db.password }} }"),
      '6:47  templates must be quoted: "{{ postgres.password }}"\n',
    ],
    [
      "in the middle of a text",
      output("variables: { A: pg://{{ db.password }}@db }"),
      '6:52  templates must be quoted: "{{ postgres.password }}"\n',
    ],
    [
      "a tag",
      output("variables: { A: {% if db %} }"),
      '6:47  templates must be quoted: "{{ postgres.password }}"\n',
    ],
    [
      "beside one with quotes",
      output('variables: { A: "{{ db.password }}", B: {{ db.password }} }'),
      '6:71  templates must be quoted: "{{ postgres.password }}"\n',
    ],
  ],
  "the project": [
    [
      "misspelt",
      `projct: shop\n${environment(one).slice(14)}`,
      "1:1  unknown key `projct`; did you mean `project`?\n",
    ],
    ["missing", environment(one).slice(14), "1:1  required key `project` is missing\n"],
    [
      "a number",
      environment(one).replace("shop", "12"),
      "1:10  project: expected a string: put it in quotes\n",
    ],
    [
      "a path",
      environment(one).replace("shop", "../../etc"),
      "1:10  project: expected lower-case letters, digits, - and _, at most 63\n",
    ],
    [
      "a store in a home",
      `${environment(one)}store: ~/state\n`,
      "6:8  store: write the path out: `~` is not followed\n",
    ],
    [
      "a private key among recipients",
      `${environment(one)}recipients: [AGE-SECRET-KEY-1X]\n`,
      "6:14  recipients[0]: this is a private key: write its recipient (age1…), " +
        "and make a new key if this file was ever shared\n",
    ],
    [
      "another text among recipients",
      `${environment(one)}recipients: [bob]\n`,
      "6:14  recipients[0]: expected an age recipient: age1…\n",
    ],
    [
      "an identity as text",
      `${environment(one)}identity: AGE-SECRET-KEY-1X\n`,
      `6:11  identity: ${byReference}\n`,
    ],
  ],
  "the audit log": [
    [
      "heads that go nowhere known",
      `${environment(one)}audit: { heads: syslog }\n`,
      "6:17  audit.heads: expected journald, or { command: [program, argument, …] }, " +
        "which gets the head as a line on its standard input\n",
    ],
    [
      "a misspelt key",
      `${environment(one)}audit: { head: journald }\n`,
      "6:10  audit: unknown key `head`; did you mean `heads`?\n",
    ],
    [
      "no program",
      `${environment(one)}audit: { heads: { command: [] } }\n`,
      "6:19  audit.heads.command[0]: expected a string\n",
    ],
    [
      "an age without a unit",
      `${environment(one)}audit: { keep: 365 }\n`,
      "6:16  audit.keep: expected a duration such as 365d, or forever\n",
    ],
    [
      "an age of hours",
      `${environment(one)}audit: { keep: 12h }\n`,
      "6:16  audit.keep: must be at least a day: an incident is noticed late\n",
    ],
    [
      "a size without a unit",
      `${environment(one)}audit: { segment: 16 }\n`,
      "6:19  audit.segment: expected a size such as 16MiB or 512KiB\n",
    ],
  ],
  names: [
    [
      "of an environment, with a path in it",
      environment(one).replace("production", "../x"),
      "3:3  environments.…: names are letters, digits, - and _, at most 63, and not digits alone\n",
    ],
    [
      "of an environment, a number",
      environment(one).replace("production", "12"),
      "3:3  environments.12: names are letters, digits, - and _, at most 63, and not digits alone\n",
    ],
    [
      "of a secret, with a hyphen",
      environment("secrets: { my-db: generated }"),
      "5:16  environments.production.secrets.my-db: names of secrets are letters, " +
        "digits and _, at most 63: templates use them as variables\n",
    ],
    [
      "of a secret, a word of templates",
      environment("secrets: { empty: generated }"),
      "5:16  environments.production.secrets.empty: this name means something else in " +
        "templates: choose another\n",
    ],
    [
      "of a secret, known to every object",
      environment("secrets: { constructor: generated }"),
      "5:16  environments.production.secrets.constructor: this name means something else in " +
        "templates: choose another\n",
    ],
  ],
  durations: [
    [
      "a number",
      secret("{ driver: generated, rotate_every: 90 }"),
      "6:46  environments.production.secrets.db.rotate_every: durations are strings with a unit: 90d\n",
    ],
    [
      "a number in quotes",
      secret('{ driver: generated, rotate_every: "90" }'),
      "6:46  environments.production.secrets.db.rotate_every: durations are strings with a unit: 90d\n",
    ],
    [
      "no duration",
      secret("{ driver: generated, rotate_every: often }"),
      "6:46  environments.production.secrets.db.rotate_every: expected a duration such as " +
        "90d, 12h or 1h30m, or never\n",
    ],
    [
      "too short an age",
      secret("{ driver: generated, rotate_every: 59s }"),
      "6:46  environments.production.secrets.db.rotate_every: `rotate_every` must be at least a minute\n",
    ],
    [
      "too long an age",
      secret("{ driver: generated, rotate_every: 999999999w }"),
      "6:46  environments.production.secrets.db.rotate_every: is longer than a hundred years\n",
    ],
    [
      "a number as deadline",
      deployment("{ compose: api, timeout: 60 }"),
      "7:37  environments.production.deployments.api.timeout: durations are strings with a unit: 90d\n",
    ],
  ],
  secrets: [
    [
      "none",
      environment("outputs: []"),
      "3:3  environments.production: this environment has no secrets\n  " +
        "hint: name at least one under `secrets`, or remove the environment\n",
    ],
    [
      "an unknown driver",
      secret("{ driver: oracle }"),
      `6:21  environments.production.secrets.db.driver: no such driver: ${drivers}\n`,
    ],
    [
      "without a driver",
      secret("{ length: 9 }"),
      `6:7  environments.production.secrets.db: required key \`driver\` is missing: ${drivers}\n`,
    ],
    [
      "a value in place of a driver",
      secret("hunter2"),
      "6:11  environments.production.secrets.db: expected the driver's name or a map with its " +
        `options: ${drivers}\n`,
    ],
    [
      "a list",
      secret("[generated]"),
      "6:7  environments.production.secrets.db: expected a map of keys\n",
    ],
    [
      "a misspelt common key",
      secret("{ driver: generated, rotate_evry: 90d }"),
      "6:32  environments.production.secrets.db: unknown key `rotate_evry`; did you mean `rotate_every`?\n",
    ],
    [
      "a misspelt option",
      secret("{ driver: generated, lenght: 40 }"),
      "6:32  environments.production.secrets.db: unknown key `lenght`; did you mean `length`?\n",
    ],
    [
      "a password",
      secret("{ driver: generated, password: hunter2 }"),
      "6:32  environments.production.secrets.db: unknown key `password`: " +
        "the config holds no value\n  " +
        "hint: mycelium adopt reads it from the output that shows it; " +
        "--ask and --from give it by hand\n",
    ],
    [
      "an unknown option",
      secret("{ driver: generated, colour: red }"),
      "6:32  environments.production.secrets.db: unknown key `colour`\n  " +
        "hint: known here: driver, end_sessions, gap_accepted, grace, length, " +
        "policy, rotate_every, rotated_at, tags, unshown\n",
    ],
    [
      "a wrong option",
      secret("{ driver: generated, length: many }"),
      "6:40  environments.production.secrets.db.length: expected a number\n",
    ],
    [
      "too small an option",
      secret("{ driver: generated, length: 1 }"),
      "6:40  environments.production.secrets.db.length: must be at least 8\n",
    ],
    [
      "a missing option",
      secret("{ driver: postgres, role: a }"),
      "6:7  environments.production.secrets.db: required key `address` is missing\n",
    ],
    [
      "the schema's own words",
      secret("{ driver: postgres, address: x }"),
      "6:7  environments.production.secrets.db.role: write either `role` or `roles`\n",
    ],
    [
      "a password as text",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: hunter2 } }"),
      `6:80  environments.production.secrets.db.admin.password: ${byReference}\n`,
    ],
    [
      "a password in brackets",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: {hunter2} } }"),
      `6:70  environments.production.secrets.db.admin.password: ${byReference}\n`,
    ],
    [
      "a misspelt kind of reference",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: { fil: x } } }"),
      "6:82  environments.production.secrets.db.admin.password: unknown key `fil`; did you mean `file`?\n",
    ],
    [
      "a reference of a wrong type",
      secret(
        "{ driver: postgres, address: x, role: a, admin: { user: r, password: { file: 3 } } }",
      ),
      "6:88  environments.production.secrets.db.admin.password.file: expected a string: put it in quotes\n",
    ],
    [
      "tags that are no list",
      secret("{ driver: generated, tags: payments }"),
      "6:38  environments.production.secrets.db.tags: expected a list: [ … ]\n",
    ],
    [
      "a switch in words",
      secret("{ driver: generated, end_sessions: sometimes }"),
      "6:46  environments.production.secrets.db.end_sessions: expected true or false\n",
    ],
  ],
  outputs: [
    [
      "no list",
      environment(`${one}\noutputs: { dotenv: .env }`),
      "6:5  environments.production.outputs: expected a list: each entry begins with -\n",
    ],
    [
      "of no kind",
      environment(`${one}\noutputs: [{ file: .env }]`),
      "6:15  environments.production.outputs[0]: does not say which kind of output it is: expected dotenv\n",
    ],
    [
      "of a misspelt kind",
      environment(`${one}\noutputs: [{ dotnev: .env }]`),
      "6:17  environments.production.outputs[0]: unknown key `dotnev`; did you mean `dotenv`?\n",
    ],
    [
      "a misspelt word",
      output("for: compos, variables: {}"),
      "6:36  environments.production.outputs[0].for: expected one of portable, compose; " +
        "did you mean `compose`?\n",
    ],
    [
      "a bare mode",
      output("mode: 0600, variables: {}"),
      '6:37  environments.production.outputs[0].mode: modes are strings: "0600", in quotes\n',
    ],
    [
      "a number for a text",
      output("owner: 1000, variables: {}"),
      "6:38  environments.production.outputs[0].owner: expected a string: put it in quotes\n",
    ],
    [
      "a name that its reader refuses",
      output('variables: { "a b": x }'),
      "6:44  environments.production.outputs[0].variables.…: names of variables are upper case\n",
    ],
    [
      "what its plug-in sees in templates",
      output('variables: { A: "{{ }}" }'),
      "6:47  environments.production.outputs[0].variables.A: the template is empty\n",
    ],
  ],
  deployments: [
    [
      "no restarter",
      deployment("{}"),
      "7:7  environments.production.deployments.api: does not say how it restarts: " +
        "expected one of command, compose\n",
    ],
    [
      "two restarters",
      deployment("{ compose: api, command: [a] }"),
      "7:7  environments.production.deployments.api: says twice how it restarts: " +
        "keep one of command, compose\n",
    ],
    [
      "a misspelt restarter",
      deployment("{ compos: api }"),
      "7:14  environments.production.deployments.api: unknown key `compos`; did you mean `compose`?\n",
    ],
    [
      "an unknown key",
      deployment("{ compose: api, colour: red }"),
      "7:28  environments.production.deployments.api: unknown key `colour`\n  " +
        "hint: known here: command, compose, healthy, reads, timeout\n",
    ],
    [
      "a union's missing key",
      deployment("{ compose: { service: api } }"),
      "7:14  environments.production.deployments.api.compose: required key `file` is missing\n",
    ],
    [
      "a union that fits nowhere",
      deployment("{ compose: 3 }"),
      "7:23  environments.production.deployments.api.compose: expected a string or a map of keys\n",
    ],
    [
      "no health",
      deployment("{ compose: api, healthy: { within: 5s } }"),
      "7:28  environments.production.deployments.api.healthy: does not say how health is " +
        "checked: expected one of http, command\n",
    ],
    [
      "a union's own words",
      deployment("{ compose: api, healthy: { http: 3 } }"),
      "7:45  environments.production.deployments.api.healthy.http: expected an address, or { url, status }\n",
    ],
    [
      "a union's own words, where a key is missing",
      deployment("{ compose: api, healthy: { http: {} } }"),
      "7:39  environments.production.deployments.api.healthy.http: expected an address, or { url, status }\n",
    ],
    [
      "more than a union's own words: a key",
      deployment("{ compose: api, healthy: { http: { ulr: x } } }"),
      "7:47  environments.production.deployments.api.healthy.http: unknown key `ulr`; did you mean `url`?\n",
    ],
    [
      "more than a union's own words: a value",
      deployment("{ compose: api, healthy: { http: { url: x, status: ok } } }"),
      "7:63  environments.production.deployments.api.healthy.http.status: expected a number\n",
    ],
    [
      "two ways of health",
      deployment('{ compose: api, healthy: { http: "x", command: [a] } }'),
      "7:28  environments.production.deployments.api.healthy: " +
        "says twice how health is checked: keep one of http, command\n",
    ],
  ],
}

describe.each(Object.entries(cases))("%s", (_, group) => {
  test.each(group)("%s", (_name, text, message) => {
    expect(told(text)).toBe(message)
  })
})
