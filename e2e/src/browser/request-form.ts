import type { Page } from 'playwright-core'

/** What a partner writes into the form. */
export interface Written {
  readonly address: string
  readonly scopes: readonly string[]
  readonly sourceAddresses?: string
}

/** Fills the form in, as somebody would; answers how many fields were filled and boxes pressed. */
export async function fillForm(page: Page, { address, scopes, sourceAddresses }: Written): Promise<number> {
  await page.getByLabel('Organisation').fill('Acme Configurators Ltd')
  await page.getByLabel('Your name').fill('Ada Lovelace')
  await page.getByLabel('Your e-mail address').fill(address)
  await page.getByLabel('Its name').fill('Shop front')
  await page.getByLabel('What it does with the API').fill('Shows the configurations of products in our shop.')
  for (const scope of scopes) await page.getByRole('checkbox', { name: scope }).check()
  if (sourceAddresses !== undefined) await page.getByLabel('Source addresses').fill(sourceAddresses)
  return 5 + scopes.length + (sourceAddresses === undefined ? 0 : 1)
}
