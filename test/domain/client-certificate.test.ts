import { describe, expect, test } from 'vitest';
import { identityOf, isSpiffeId, isSubject } from '../../src/domain/client-certificate.ts';

const of = (subject: string, subjectAltName?: string) => identityOf({ subject, subjectAltName });

describe('a certificate names', () => {
  test('its SPIFFE id, whatever its subject', () => {
    expect(of('CN=gateway', 'URI:spiffe://prod/gateway')).toBe('spiffe://prod/gateway');
    expect(of('', 'DNS:a.example, URI:spiffe://prod/ns/edge/sa/gateway, IP Address:10.0.0.1')).toBe(
      'spiffe://prod/ns/edge/sa/gateway',
    );
  });

  test('its subject where it has no SPIFFE id, as RFC 2253 orders it', () => {
    expect(of('O=Example\nOU=Edge\nCN=gateway')).toBe('CN=gateway,OU=Edge,O=Example');
    expect(of('O=Example\\, Inc\nCN=a', 'DNS:a.example')).toBe('CN=a,O=Example\\, Inc');
    expect(of('CN=a + UID=7')).toBe('CN=a+UID=7');
    expect(of('CN=a', 'URI:https://a.example/')).toBe('CN=a');
  });

  test.each([
    ['two SPIFFE ids', 'URI:spiffe://prod/a, URI:spiffe://prod/b'],
    ['a SPIFFE id beside another URI', 'URI:https://a.example/, URI:spiffe://prod/a'],
    ['one that hides a second one', 'URI:"spiffe://prod/a, URI:spiffe://prod/b"'],
    ['one with a wildcard', 'URI:spiffe://prod/*'],
    ['one with a relative segment', 'URI:spiffe://prod/a/../b'],
    ['one with another scheme in capitals', 'URI:SPIFFE://prod/a'],
    ['one without a path', 'URI:spiffe://prod'],
    ['one with a query', 'URI:spiffe://prod/a?b'],
    ['one with a port', 'URI:spiffe://prod:8443/a'],
    ['names that cannot be read to their end', 'URI:spiffe://prod/a", DNS:b'],
  ])('nobody with %s', (_, subjectAltName) => {
    expect(of('CN=a', subjectAltName)).toBeUndefined();
  });

  test.each([
    ['an empty subject', ''],
    ['a subject outside of ASCII', 'CN=g\u00e4teway'],
    ['a subject of control characters', 'CN=a\\0Ab'],
  ])('nobody with %s', (_, subject) => {
    expect(of(subject)).toBeUndefined();
  });
});

test('a DNS name that reads like a SPIFFE id is none, and a subject that does stays a subject', () => {
  expect(of('CN=a', 'DNS:spiffe://prod/a')).toBe('CN=a');
  expect(of('CN=spiffe://prod/a')).toBe('CN=spiffe://prod/a');
});

test('a rule can name only whole ids and subjects', () => {
  for (const good of ['spiffe://prod/a', 'spiffe://a.example/ns/x/sa/y_z'])
    expect(isSpiffeId(good)).toBe(true);
  for (const bad of [
    'spiffe://prod/',
    'spiffe://*/a',
    'spiffe://prod/a*',
    'spiffe://Prod/a',
    'spiffe://prod//a',
    '',
  ])
    expect(isSpiffeId(bad), bad).toBe(false);
  expect(isSpiffeId(`spiffe://prod/${'a'.repeat(2_048)}`)).toBe(false);
  for (const good of ['CN=a', 'CN=a,O=b\\, c', '2.5.4.3=a', 'CN=a+UID=7', 'CN=a b c'])
    expect(isSubject(good), good).toBe(true);
  for (const bad of [
    '',
    'gateway',
    'CN=',
    'CN=*',
    'CN=a,',
    ',CN=a',
    'CN=a\nO=b',
    'spiffe://prod/a',
    'CN=a,O',
  ])
    expect(isSubject(bad), bad).toBe(false);
});
