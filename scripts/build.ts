import { buildPackage, packageNames } from './packages/build-packages.ts';

/**
 * `npm run build`: builds the npm packages, each in its folder under `packages/`. With names, as in
 * `npm run build -- verifier`, only those.
 */
const wanted = process.argv.slice(2);
for (const name of packageNames.filter((each) => wanted.length === 0 || wanted.includes(each))) {
  const bundled = await buildPackage(name);
  console.log(`packages/${name}: built${bundled.length > 0 ? `, with ${bundled.join(', ')}` : ''}`);
}
