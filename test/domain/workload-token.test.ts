import { expect, test } from 'vitest';
import { admits, isSubjectPattern, overlaps, parseWorkloadIssuers } from '../../src/domain/workload-token.ts';

const rule = (subject: string) => ({ issuer: 'i', audience: 'a', subject });
const claims = (subject: string) => ({ issuer: 'i', audiences: ['a'], subject });

test('a * stands for one whole segment', () => {
  const main = rule('repo:acme/*:ref:refs/heads/main');
  expect(admits(main, claims('repo:acme/app:ref:refs/heads/main'))).toBe(true);
  for (const subject of [
    'repo:acme/app/more:ref:refs/heads/main',
    'repo:acme/app:x:ref:refs/heads/main',
    'repo:acme/:ref:refs/heads/main',
    'repo:acme-evil/app:ref:refs/heads/main',
    'repo:acme:app:ref:refs/heads/main',
    'repo:acme/app:ref:refs/heads/main2',
    'repo:acme/app:ref:refs/heads/main:',
    'repo:acme/app:pull_request',
    '',
  ])
    expect(admits(main, claims(subject)), subject).toBe(false);
  expect(admits(rule('a:b'), { ...claims('a:b'), issuer: 'j' })).toBe(false);
  expect(admits(rule('a:b'), { ...claims('a:b'), audiences: ['b', 'aa'] })).toBe(false);
});

test('a * that is a part of a segment, or all there is, is no pattern', () => {
  for (const good of ['a', 'a:*', '*/a', 'repo:acme/*:*']) expect(isSubjectPattern(good), good).toBe(true);
  for (const bad of ['', '*', '*:*', 'a*', 'repo:acme*/x', 'a:b*:c', 'a b', 'a\n', '/:', 'ä'])
    expect(isSubjectPattern(bad), bad).toBe(false);
});

test('rules overlap when one token could be for both', () => {
  expect(overlaps(rule('a:*'), rule('a:b'))).toBe(true);
  expect(overlaps(rule('a:*'), rule('*:b'))).toBe(true);
  expect(overlaps(rule('a:b'), rule('a:b'))).toBe(true);
  expect(overlaps(rule('a:b'), rule('a:c'))).toBe(false);
  expect(overlaps(rule('a:*'), rule('a:b:c'))).toBe(false);
  expect(overlaps(rule('a:*'), rule('a/b'))).toBe(false);
  expect(overlaps(rule('a'), { ...rule('a'), audience: 'b' })).toBe(false);
});

test('issuers are read with the addresses of their keys', () => {
  const isSafe = (url: string) => url.startsWith('https://');
  const read = (text: string) => parseWorkloadIssuers(text, isSafe);
  const two = read('https://a=https://a/jwks; https://b = https://b/keys?x=1 ;');
  expect([...(two ?? [])].map(([issuer, url]) => [issuer, url.href])).toEqual([
    ['https://a', 'https://a/jwks'],
    ['https://b', 'https://b/keys?x=1'],
  ]);
  for (const bad of [
    'https://a',
    'https://a=http://a/jwks',
    '=https://a/jwks',
    'a=https://a/;a=https://b/',
    ';',
  ])
    expect(read(bad), bad).toBeUndefined();
});
