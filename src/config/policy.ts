/**
 * Rules from outside that a config can be held to. PCI DSS 4.0.1: the password of a user without a
 * second factor changes at least every 90 days (8.3.9); passwords of applications and systems change
 * as often as the organisation's own targeted risk analysis says, and when others may know them
 * (8.6.3, 12.3.1); audit logs are kept for twelve months, the latest three available at once
 * (10.5.1).
 */
export const policies = {
  "pci-dss": { name: "PCI DSS", maxAgeMs: 90 * 86_400_000, keepLogMs: 365 * 86_400_000 },
} as const

export type PolicyName = keyof typeof policies
export const policyNames = ["pci-dss"] as const satisfies readonly PolicyName[]
