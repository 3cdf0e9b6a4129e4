import { readRegistry } from '../../declaration/registry-state.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { documentOf } from './declaration-shapes.ts'

/** `GET /declaration` */
export const exportDeclaration: Operation<'declaration', 'export'> = async ({ services }) =>
  done(documentOf(await readRegistry(services)))
