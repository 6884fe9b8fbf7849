import {
  type AlterTableCmd,
  type ColumnDef,
  type Constraint,
  loadModule,
  type Node,
  parseSync,
} from 'libpg-query';

/** Each may be exempted in a migration, with a reason. */
export type HazardRule = 'removes' | 'refuses' | 'blocks' | 'unknown';
/** `name` is that of the table, column, index or constraint that it is about. */
export type Hazard = { rule: HazardRule; name: string; about: string };

export type Surroundings = {
  isInTransaction: boolean;
  /** Whether the previous release names this table, column, index or constraint. */
  isNamed(name: string): boolean;
};

/**
 * Hazards of a migration for the previous release, which runs beside it on the new schema:
 * `removes` what it names, `refuses` rows that it writes, `blocks` readers or writers for as long
 * as a table is large, or `unknown` when this cannot be told. Tables of the migration itself are
 * free. Read by the parser of Postgres. Throws when it is no SQL.
 */
export async function hazardsOf(sql: string, surroundings: Surroundings): Promise<Hazard[]> {
  await loadModule();
  const reading = new Reading(surroundings);
  for (const { stmt } of parseSync(sql).stmts ?? []) if (stmt !== undefined) reading.read(stmt);
  return reading.hazards();
}

/** Statements that neither take anything away nor wait while they hold a lock of readers. */
const harmless = new Set(
  `CreateFunctionStmt CreateTrigStmt CreateSeqStmt CreateEnumStmt CompositeTypeStmt CreateStatsStmt CreateSchemaStmt
   CreateExtensionStmt CreateRoleStmt AlterRoleStmt GrantStmt GrantRoleStmt CommentStmt SelectStmt VariableSetStmt
   AlterEnumStmt AlterSeqStmt ViewStmt AlterOwnerStmt`.split(/\s+/),
);

/** Forms of ALTER TABLE that hold their lock for a moment, whatever the size of the table. */
const briefChanges = new Set(
  `AT_ColumnDefault AT_DropNotNull AT_SetStatistics AT_SetOptions AT_ResetOptions AT_SetStorage AT_SetCompression
   AT_ValidateConstraint AT_AddIndexConstraint AT_SetRelOptions AT_ResetRelOptions AT_ReplicaIdentity
   AT_DropConstraint AT_DropColumn AT_ChangeOwner AT_EnableTrig`.split(/\s+/),
);

type Member<Name extends string> = Extract<Node, Record<Name, unknown>>[Name &
  keyof Extract<Node, Record<Name, unknown>>];

class Reading {
  readonly #surroundings: Surroundings;
  readonly #found: Hazard[] = [];
  readonly #newTables = new Set<string>();
  /** Names that are gone at the end: one may be given to a successor. */
  readonly #removed = new Set<string>();
  /** Tables whose readers wait until the transaction ends. */
  readonly #locked = new Set<string>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  hazards(): Hazard[] {
    const named = [...this.#removed].filter((name) => this.#surroundings.isNamed(name));
    return [
      ...named.map((name): Hazard => ({ rule: 'removes', name, about: 'the previous release names it' })),
      ...this.#found,
    ];
  }

  read(node: Node): void {
    const [[kind, statement] = ['', {}]] = Object.entries(node);
    const readers: Record<string, (statement: never) => void> = {
      CreateStmt: (each) => this.#readCreate(each),
      IndexStmt: (each) => this.#readIndex(each),
      AlterTableStmt: (each) => this.#readAlter(each),
      DropStmt: (each) => this.#readDrop(each),
      RenameStmt: (each) => this.#readRename(each),
      InsertStmt: (each) => this.#readWrite(each),
      UpdateStmt: (each) => this.#readWrite(each),
      DeleteStmt: (each) => this.#readWrite(each),
    };
    const read = readers[kind];
    if (read !== undefined) read(statement as never);
    else if (kind === 'DoStmt') this.#add('unknown', 'DO', 'its statements are not read');
    else if (!harmless.has(kind)) this.#add('unknown', kind, 'not known to leave the previous release alone');
  }

  #readCreate({ relation, inhRelations = [] }: Member<'CreateStmt'>): void {
    const name = relation?.relname ?? '';
    this.#newTables.add(name);
    this.#removed.delete(name);
    for (const each of inhRelations) {
      const parent = 'RangeVar' in each ? (each.RangeVar.relname ?? '') : '';
      if (!this.#newTables.has(parent))
        this.#add('blocks', parent, `create ${name} alone, then ATTACH PARTITION`);
    }
  }

  #readIndex({ idxname = '', relation, concurrent = false, unique = false }: Member<'IndexStmt'>): void {
    this.#removed.delete(idxname);
    const table = relation?.relname ?? '';
    if (this.#newTables.has(table)) return;
    if (!concurrent)
      this.#add('blocks', table, `writers while ${idxname} is built: CREATE INDEX CONCURRENTLY`);
    if (unique) this.#add('refuses', table, `rows that ${idxname} finds twice`);
  }

  #readAlter({ relation, cmds = [], objtype }: Member<'AlterTableStmt'>): void {
    const table = relation?.relname ?? '';
    if (this.#newTables.has(table)) return;
    // An index or a view has no rows that would be rewritten.
    if (objtype === 'OBJECT_TABLE') this.#locked.add(table);
    for (const each of cmds) if ('AlterTableCmd' in each) this.#readChange(table, each.AlterTableCmd);
  }

  #readChange(table: string, { subtype, name = '', def }: AlterTableCmd): void {
    if (subtype === 'AT_DropColumn' || subtype === 'AT_DropConstraint') this.#removed.add(name);
    else if (subtype === 'AT_AddColumn' && def !== undefined && 'ColumnDef' in def)
      this.#readColumn(table, def.ColumnDef);
    else if (subtype === 'AT_AddConstraint' && def !== undefined && 'Constraint' in def)
      this.#readConstraint(table, def.Constraint);
    else if (subtype === 'AT_SetNotNull') {
      this.#add('refuses', table, `rows without ${name}`);
      this.#add('blocks', table, `readers while it is looked through for a null ${name}`);
    } else if (!briefChanges.has(subtype ?? '')) {
      this.#add('blocks', table, `readers: ${subtype} is not known to be brief`);
    }
  }

  #readColumn(table: string, { colname = '', constraints = [], identity, typeName }: ColumnDef): void {
    this.#removed.delete(colname);
    const rules = constraints.flatMap((each) => ('Constraint' in each ? [each.Constraint] : []));
    const value = rules.find(({ contype }) => contype === 'CONSTR_DEFAULT')?.raw_expr;
    const isNotNull = rules.some(({ contype }) => contype === 'CONSTR_NOTNULL');
    const type = nameOf(typeName?.names);
    const isComputed = rules.some(
      ({ contype }) => contype === 'CONSTR_GENERATED' || contype === 'CONSTR_IDENTITY',
    );
    if (isComputed || identity !== undefined || /serial\d?$/.test(type) || !isConstant(value)) {
      this.#add('blocks', table, `readers while each row gets its ${colname}: give it a constant default`);
    } else if (isNotNull && value === undefined) {
      this.#add('refuses', table, `rows without ${colname}: give it a default, or allow null`);
    }
    for (const rule of rules) if (isChecking(rule)) this.#readConstraint(table, rule);
  }

  #readConstraint(table: string, rule: Constraint): void {
    const { contype, conname, skip_validation, indexname } = rule;
    if (conname !== undefined) this.#removed.delete(conname);
    if (indexname !== undefined) return;
    this.#add('refuses', table, `rows that ${conname ?? contype} forbids`);
    const cure = isIndexed(rule)
      ? 'build its index before, then USING INDEX'
      : 'NOT VALID, and VALIDATE in the next migration';
    if (isIndexed(rule) || !skip_validation)
      this.#add('blocks', table, `readers while it is looked through: ${cure}`);
  }

  #readDrop({ objects = [], removeType, concurrent = false }: Member<'DropStmt'>): void {
    for (const name of objects.map(nameOfObject)) {
      this.#removed.add(name);
      if (removeType === 'OBJECT_INDEX' && !concurrent)
        this.#add('blocks', name, 'readers of its table: DROP INDEX CONCURRENTLY');
      if (removeType === 'OBJECT_TRIGGER' || removeType === 'OBJECT_FUNCTION')
        this.#add('removes', name, 'the schema of the previous release may call it');
    }
  }

  #readRename({ renameType, relation, subname, newname = '' }: Member<'RenameStmt'>): void {
    const isPart = renameType === 'OBJECT_COLUMN' || renameType === 'OBJECT_TABCONSTRAINT';
    const table = relation?.relname ?? '';
    if (!this.#newTables.has(table)) this.#removed.add(isPart ? (subname ?? '') : table);
    this.#removed.delete(newname);
  }

  #readWrite({ relation }: { relation?: { relname?: string } }): void {
    const table = relation?.relname ?? '';
    if (this.#newTables.has(table)) return;
    if (!this.#surroundings.isInTransaction) return;
    for (const each of this.#locked)
      this.#add('blocks', each, `readers while rows of ${table} are written: in a migration of its own`);
  }

  #add(rule: HazardRule, name: string, about: string): void {
    this.#found.push({ rule, name, about });
  }
}

function isIndexed({ contype }: Constraint): boolean {
  return ['CONSTR_PRIMARY', 'CONSTR_UNIQUE', 'CONSTR_EXCLUSION'].includes(contype ?? '');
}

function isChecking({ contype }: Constraint): boolean {
  return ['CONSTR_CHECK', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_FOREIGN'].includes(contype ?? '');
}

/** A literal, perhaps with a cast or a sign. Postgres keeps it once and rewrites no row. */
function isConstant(value: Node | undefined): boolean {
  if (value === undefined || 'A_Const' in value) return true;
  return 'TypeCast' in value && isConstant(value.TypeCast.arg);
}

/** The last part of a name with a schema. */
function nameOf(names: readonly Node[] = []): string {
  const last = names.at(-1);
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : '';
}

function nameOfObject(object: Node): string {
  if ('List' in object) return nameOf(object.List.items);
  if ('ObjectWithArgs' in object) return nameOf(object.ObjectWithArgs.objname);
  if ('TypeName' in object) return nameOf(object.TypeName.names);
  return nameOf([object]);
}
