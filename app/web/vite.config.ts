import { defineConfig } from "vite";

// The API serves the files below `assets/` of any base path, so files name each other by relative paths.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the Content Security Policy allows no `data:` fonts and scripts
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": process.env["SONIQUEBAY_URL"] ?? "http://127.0.0.1:8080" } },
});
