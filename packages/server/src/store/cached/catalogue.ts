import { compileCatalogue, type Catalogue } from '../../resource-servers/catalogue.ts'
import type { ResourceServerReads } from '../../resource-servers/ports.ts'
import type { ChangeNotice } from '../sql/touched.ts'

export interface CachedCatalogue {
  current(): Catalogue
  /** Resolves once the catalogue is as new as the change. */
  invalidate(notice: ChangeNotice): Promise<void>
}

/** The catalogue in memory, read anew after each change of a resource server. */
export async function cachedCatalogue(reads: ResourceServerReads): Promise<CachedCatalogue> {
  let catalogue = compileCatalogue(await reads.all())
  return {
    current: () => catalogue,
    async invalidate(notice) {
      if (notice.catalogue) catalogue = compileCatalogue(await reads.all())
    },
  }
}
