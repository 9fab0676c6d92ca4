/**
 * Rules from outside that a config can be held to. PCI DSS 4.0.1: the password of a user who has no
 * other factor changes
 * every 90 days at least (8.3.9); one of applications and systems as often as one's own targeted
 * risk analysis says, and when it
 * may be known to others (8.6.3, 12.3.1); audit logs are kept for twelve months, the latest three
 * at hand at once (10.5.1).
 */
export const policies = {
  "pci-dss": { name: "PCI DSS", maxAgeMs: 90 * 86_400_000, keepLogMs: 365 * 86_400_000 },
} as const

export type PolicyName = keyof typeof policies
export const policyNames = ["pci-dss"] as const satisfies readonly PolicyName[]
