import { buildPackage, packageNames } from './packages/build-packages.ts';

/** `npm run build`: builds the npm packages, each in its folder under `packages/`. */
for (const name of packageNames) {
  const bundled = await buildPackage(name);
  console.log(`packages/${name}: built${bundled.length > 0 ? `, with ${bundled.join(', ')}` : ''}`);
}
