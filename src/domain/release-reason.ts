/** Why a quarantined key was released, as an operator or a backend said. */
export const releaseReasons = ['unspecified', 'false_positive', 'used_in_tests', 'risk_accepted'] as const;

export type ReleaseReason = (typeof releaseReasons)[number];
