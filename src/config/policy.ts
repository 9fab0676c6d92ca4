/**
 * Rules from outside that a config can be held to. PCI DSS 4.0.1: a password changes every 90 days at least (8.3.9; for the
 * accounts of programs 8.6.3 asks for a period by one's own analysis), the audit history is kept for twelve months (10.5.1).
 */
export const policies = { "pci-dss": { name: "PCI DSS", maxAgeMs: 90 * 86_400_000, keepLogMs: 365 * 86_400_000 } } as const

export type PolicyName = keyof typeof policies
export const policyNames = ["pci-dss"] as const satisfies readonly PolicyName[]
