import { environment, secret } from "./fake-plugins.ts"
import { type Sentences, byReference, deployment, one, output, testSentences } from "./sentences.ts"

const cases: Sentences = {
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
}

testSentences(cases)
