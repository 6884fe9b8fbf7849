import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RE2JS } from 're2js';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { keyPatterns } from '../../src/domain/key-patterns.ts';
import { checkKey } from '../../src/sdk/index.ts';
import vectors from '../vectors/key-patterns.json' with { type: 'json' };

const read = (name: string) => readFile(join(projectRoot, 'deploy/leaks', name), 'utf8');
const texts = [
  ...vectors.real.map(({ key }) => ({ text: key, matches: true })),
  ...vectors.fake.map(({ text, matches }) => ({ text, matches })),
];

describe('checkKey', () => {
  test.each(vectors.real)('$key is a real $kind key', ({ key, ...parts }) => {
    expect(checkKey(key)).toEqual(parts);
  });

  test.each(vectors.fake)('a text with $why is none', ({ text }) => {
    expect(checkKey(text)).toBeUndefined();
  });
});

test('each kind of key has a pattern, which matches the keys of this kind alone', () => {
  for (const { kind, pattern } of keyPatterns) {
    const matched = vectors.real.filter(({ key }) => RE2JS.compile(pattern).matches(key));
    expect(matched.length, kind).toBeGreaterThan(0);
    expect(new Set(matched.map((key) => key.kind))).toEqual(new Set([kind]));
  }
});

/** The members that gitleaks 8 reads (its `ViperConfig`), as far as the file has them. */
const gitleaksConfig = z.strictObject({
  title: z.string(),
  extend: z.strictObject({ useDefault: z.literal(true) }),
  rules: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z-]+$/),
      description: z.string().min(1),
      regex: z.string(),
      secretGroup: z.literal(1),
      keywords: z.array(z.string()).min(1),
      tags: z.array(z.string()),
    }),
  ),
});

/** `CustomRegex` of TruffleHog. Without `verify`, which would send keys to a server. */
const trufflehogConfig = z.strictObject({
  detectors: z.array(
    z.strictObject({
      name: z.string().min(1),
      keywords: z.array(z.string()).min(1),
      regex: z.strictObject({ key: z.string() }),
    }),
  ),
});

const githubPatterns = z.strictObject({
  patterns: z.array(
    z.strictObject({
      pattern_name: z.string().min(1),
      secret_format: z.string(),
      before_secret: z.string(),
      after_secret: z.string(),
    }),
  ),
});

/** A rule as a scanner runs it: it looks only at texts with one of the keywords. */
type Rule = { keywords: readonly string[]; regex: string };

const scanners: [string, () => Promise<Rule[]>][] = [
  ['gitleaks', async () => gitleaksConfig.parse(parseToml(await read('gitleaks.toml'))).rules],
  [
    'TruffleHog',
    async () =>
      trufflehogConfig
        .parse(parseYaml(await read('trufflehog.yml')))
        .detectors.map(({ keywords, regex }) => ({ keywords, regex: regex.key })),
  ],
  [
    'GitHub',
    async () =>
      githubPatterns.parse(parseYaml(await read('github-custom-patterns.yml'))).patterns.map((pattern) => ({
        keywords: [''],
        regex: `(?:${pattern.before_secret})(${pattern.secret_format})(?:${pattern.after_secret})`,
      })),
  ],
];

/** Group 1 of all matches, by the engine of Go and in linear time. */
function secretsIn(rules: readonly Rule[], text: string): string[] {
  return rules.flatMap(({ keywords, regex }) => {
    if (!keywords.some((keyword) => text.toLowerCase().includes(keyword))) return [];
    const matcher = RE2JS.compile(regex).matcher(text);
    const found: string[] = [];
    while (matcher.find()) found.push(matcher.group(1) ?? '');
    return found;
  });
}

describe.each(scanners)('the file for %s', (_name, rulesOf) => {
  test('has a rule for each kind, in a syntax that RE2 takes', async () => {
    const rules = await rulesOf();
    expect(rules.length).toBe(keyPatterns.length);
    // Look-around and back-references do not compile there.
    for (const { regex } of rules) expect(() => RE2JS.compile(regex)).not.toThrow();
  });

  test('finds a key wherever it stands, once, and what only looks like one', async () => {
    const rules = await rulesOf();
    for (const { text, matches } of texts) {
      for (const around of [text, `KEY="${text}"\n`, `x=${text}\r\ny`, `${text};`]) {
        expect(secretsIn(rules, around), around).toEqual(matches ? [text] : []);
      }
    }
  });

  test('finds two keys on one line', async () => {
    const [one, two] = vectors.real.map(({ key }) => key);
    expect(secretsIn(await rulesOf(), `${one},x=${two}\n`)).toEqual([one, two]);
  });
});
