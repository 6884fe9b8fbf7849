import { anybody as nobodyInParticular, type Principal } from '../../domain/principal.ts';
import type { Access } from './access.ts';

/** Access rule of public operations, such as a login. */
export function anybody(): Access<unknown, Principal> {
  return {
    schemes: [],
    needs: 'Open to anybody.',
    errors: [],
    areRefusalsAudited: false,
    admit: () => nobodyInParticular,
  };
}
