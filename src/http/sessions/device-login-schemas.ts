import { z } from 'zod';

/** 40 base62 characters. Longer text is no code of ours. */
export const deviceCode = z.string().regex(/^[0-9A-Za-z]{40}$/, 'must be the device_code of a log-in');

/** As a person types it; anything that is no code is answered like a wrong one. */
export const userCode = z.string().min(1).max(40);

export const devicePath = '/api/v1/platform/auth/device';
