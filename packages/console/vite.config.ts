import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // Relative to the page's <base>, which the server sets: an issuer may have a path.
  base: './',
  build: {
    outDir: 'dist',
    assetsDir: 'pages',
    // No data: URLs: the pages' Content-Security-Policy allows files of the server only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['claim.html', 'request.html', 'status.html'] },
  },
})
