import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { Liquid } from "liquidjs"
import { AppError } from "../../../src/base/error.ts"
import { Secret } from "../../../src/core/secret.ts"
import { inspectTemplate, renderTemplate } from "../../../src/plugins/outputs/liquid.ts"
import { readBackwards } from "../../../src/plugins/outputs/liquid/backwards.ts"

const values = {
  pg: { version: "v1", fields: { user: "shop", password: new Secret("production/pg", "a/b c%d") } },
}

function thrown(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
  }
  throw new Error("no AppError was thrown")
}

describe("inspectTemplate()", () => {
  test("names each field once", () => {
    expect(inspectTemplate("{{ pg.user }}:{{pg.password|url_encode}}@{{ pg.user }}")).toEqual({
      references: [
        { secret: "pg", field: "user" },
        { secret: "pg", field: "password" },
      ],
      problems: [],
    })
  })

  test("follows variables of the template itself to the fields behind them", () => {
    expect(
      inspectTemplate(
        "{% assign one = pg.password %}{{ one | upcase }}{% if pg['user'] %}{% endif %}",
      ).references,
    ).toEqual([
      { secret: "pg", field: "password" },
      { secret: "pg", field: "user" },
    ])
  })

  test("finds nothing in a text without references", () => {
    expect(inspectTemplate("info {} }} {x}")).toEqual({ references: [], problems: [] })
  })

  test.each([
    ["{{ pg }}", '"pg"'],
    ["{{ pg.password.x }}", '"pg"'],
    ["{{ pg[name] }}", '"pg"'],
    ["{% for one in pg %}{{ one }}{% endfor %}", '"pg"'],
    ["{{ pg.password", "cannot be read"],
    ["{{ pg.password | nonsense }}", "cannot be read"],
    ["{% include 'x' %}", "cannot be read"],
    ["{% render 'x' %}", "cannot be read"],
    ["{% layout 'x' %}", "cannot be read"],
    ["{{ 'now' | date: '%s' }}", "cannot be read"],
    ["{{ pg.password }}{% nonsense %}", "cannot be read"],
  ])("says in a sentence what is wrong with %s", (template, message) => {
    expect(inspectTemplate(template).problems[0]).toContain(message)
  })
})

describe("renderTemplate()", () => {
  test("shows values, plain and encoded", () => {
    expect(
      renderTemplate("postgresql://{{ pg.user }}:{{ pg.password | url_encode }}@db", values),
    ).toBe("postgresql://shop:a%2Fb+c%25d@db")
  })

  test("has LiquidJS for the rest", () => {
    expect(renderTemplate("{{ pg.user | upcase }}{% if pg.password %}!{% endif %}", values)).toBe(
      "SHOP!",
    )
  })

  test("renders the plain forms as LiquidJS does", () => {
    const engine = new Liquid()
    const piece = fc.oneof(
      fc.constantFrom(
        "{{ s.a }}",
        "{{s.b}}",
        "{{ s.a | url_encode }}",
        "{{\ts.b|url_encode  }}",
        "{{ s.a | json }}",
        "{{ s.b|base64_encode }}",
        "}}",
        "{",
        "\n",
      ),
      fc.string().filter((text) => !/\{[{%]?$|\{[{%]/.test(text)),
    )
    fc.assert(
      fc.property(fc.array(piece), fc.string({ unit: "grapheme" }), fc.string(), (pieces, a, b) => {
        const template = pieces.join("|")
        expect(renderTemplate(template, { s: { version: "v1", fields: { a, b } } })).toBe(
          engine.parseAndRenderSync(template, { s: { a, b } }),
        )
      }),
    )
  })

  test("names a missing field, and nothing else", () => {
    expect(thrown(() => renderTemplate("x{{ pg.pasword }}", values)).message).toBe(
      "there is no pg.pasword",
    )
    expect(thrown(() => renderTemplate("x{{ pg.pasword | upcase }}", values)).code).toBe(
      "template-field-missing",
    )
  })

  test.each(["constructor", "__proto__", "toString", "size"])(
    "does not take %s for a field",
    (field) => {
      expect(thrown(() => renderTemplate(`{{ pg.${field} }}`, values)).code).toBe(
        "template-field-missing",
      )
      expect(thrown(() => renderTemplate(`{{ pg.${field} | upcase }}`, values)).code).toBe(
        "template-field-missing",
      )
    },
  )

  test.each([
    "{% for i in (1..100000000) %}x{% endfor %}{{ pg.password }}",
    "{% assign a = pg.password %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
  ])("ends a template that would take all time or memory, without quoting it: %s", (template) => {
    const error = thrown(() => renderTemplate(template, values))
    expect(error.code).toBe("template-failed")
    expect(`${error.message}${error.hint}${error.stack}${Bun.inspect(error)}`).not.toContain("a/b")
    expect(error.cause).toBeUndefined()
  })
})

describe("readBackwards()", () => {
  const url = "postgresql://{{ pg.user }}:{{ pg.password | url_encode }}@db.internal/shop"

  test("reads the fields out of an address", () => {
    expect(readBackwards(url, "postgresql://shop:a%2Fb+c%25d@db.internal/shop")).toEqual({
      pg: { user: "shop", password: "a/b c%d" },
    })
  })

  test("is the inverse of rendering", () => {
    const field = fc
      .string({ minLength: 1, unit: "grapheme" })
      .filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(field, field, (a, b) => {
        const template = "x {{ s.a | url_encode }}/{{ s.b }}."
        expect(
          readBackwards(
            template,
            renderTemplate(template, { s: { version: "v1", fields: { a, b } } }),
          ),
        ).toEqual({ s: { a, b } })
      }),
    )
  })

  test("takes an encoding that is not LiquidJS' own", () => {
    expect(readBackwards(url, "postgresql://shop:%61%2fb%20@db.internal/shop")).toEqual({
      pg: { user: "shop", password: "a/b " },
    })
  })

  test("knows where an encoded value ends, though the user holds a colon", () => {
    expect(readBackwards(url, "postgresql://a:b:c@db.internal/shop")).toEqual({
      pg: { user: "a:b", password: "c" },
    })
  })

  test.each([
    ["{{ s.a }}-{{ s.b }}", "x-y-z"],
    ["{{ s.a }}{{ s.b }}", "xyz"],
    ["{{ s.a }}-{{ s.a }}", "x-y"],
    ["{{ s.a }}", ""],
    ["a{{ s.a }}", "bx"],
    ["{{ s.a | url_encode }}", "a/b"],
    ["{{ s.a | url_encode }}", "%zz"],
    ["{{ s.a | upcase }}", "X"],
    ["static", "static"],
  ])("answers nothing for %s and %s", (template, rendered) => {
    expect(readBackwards(template, rendered)).toBeUndefined()
  })

  test("takes a field that is shown twice alike", () => {
    expect(readBackwards("{{ s.a }}-{{ s.a | url_encode }}", "x/y-x%2Fy")).toEqual({
      s: { a: "x/y" },
    })
  })

  test("gives a hopeless search up", () => {
    const template = "{{ s.a }}{{ s.b }}{{ s.c }}{{ s.d }}{{ s.e }}!"
    expect(readBackwards(template, "a".repeat(20_000))).toBeUndefined()
  })
})

describe("the version that lives beside the one that is shown", () => {
  const fields = { user: "blue", password: new Secret("production/pg", "Blue-1") }
  const beside = {
    pg: {
      version: "v2",
      fields,
      previous: { user: "green", password: new Secret("production/pg", "Green-1") },
    },
  }
  const forms = [
    "{{ pg.user }} {{ pg.password }} {{ pg.previous.user }} {{ pg.previous.password | url_encode }}",
    "{{ pg.user }} {{ pg.password | append: '' }} {{ pg.previous.user }} {{ " +
      "pg.previous.password | append: '' }}",
  ]

  test.each(forms)("is shown by %s", (text) => {
    expect(inspectTemplate(text)).toEqual({
      references: ["user", "password", "previous.user", "previous.password"].map((field) => ({
        secret: "pg",
        field,
      })),
      problems: [],
    })
    expect(renderTemplate(text, beside)).toBe("blue Blue-1 green Green-1")
  })
  test.each(forms)(
    "is its own where none does, in %s: an empty login is one that everybody knows",
    (text) => {
      expect(renderTemplate(text, { pg: { version: "v2", fields } })).toBe(
        "blue Blue-1 blue Blue-1",
      )
    },
  )
  test("is read backwards", () => {
    expect(readBackwards(forms[0] ?? "", "blue Blue-1 green Green-1")).toEqual({
      pg: {
        user: "blue",
        password: "Blue-1",
        "previous.user": "green",
        "previous.password": "Green-1",
      },
    })
  })
})
