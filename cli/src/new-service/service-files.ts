import { renderMain, renderRoutes, renderService, renderStore } from './render-code.ts';
import { renderOpenapi } from './render-openapi.ts';
import { renderMigration, renderMigrations } from './render-schema.ts';
import { renderSlice } from './render-slice.ts';
import { renderContractTest, renderSourceTables } from './render-tests.ts';
import type { ServicePlan } from './service-plan.ts';

/** Of its package.json, as the lockfile repeats it. */
export const packageOf = (name: string) => ({
  name: `@banyan/${name}`,
  version: '0.1.0',
  license: 'Apache-2.0',
  engines: { node: '>=22.18' },
  dependencies: { '@banyan/contracts': '*', '@banyan/service': '*' },
});

/** Folders of a service, none of which may be there before. */
export const foldersOf = (name: string): readonly string[] => [
  `contracts/${name}`,
  `migrations/${name}`,
  `extracted/${name}`,
];

/** Every file of a new service, by its path from the folder of banyan.config.ts. */
export function serviceFiles(plan: ServicePlan): Readonly<Record<string, string>> {
  const { name } = plan;
  const { name: packageName, version, license, engines, dependencies } = packageOf(name);
  const manifest = {
    name: packageName,
    version,
    private: true,
    type: 'module',
    license,
    engines,
    dependencies,
  };
  const own = `extracted/${name}`;
  return {
    [`contracts/${name}/openapi.yaml`]: renderOpenapi(plan),
    [`migrations/${name}/0001-${name}.ts`]: renderMigration(plan),
    [`migrations/${name}/index.ts`]: renderMigrations(plan),
    [`${own}/package.json`]: `${JSON.stringify(manifest, null, 2)}\n`,
    [`${own}/slice.ts`]: renderSlice(plan),
    [`${own}/src/create-${name}-store.ts`]: renderStore(plan),
    [`${own}/src/main.ts`]: renderMain(plan),
    [`${own}/src/routes.ts`]: renderRoutes(plan),
    [`${own}/src/service.ts`]: renderService(plan),
    [`${own}/src/service.e2e.test.ts`]: renderContractTest(plan),
    [`${own}/src/testing/source-tables.ts`]: renderSourceTables(plan),
  };
}
