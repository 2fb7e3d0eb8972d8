# Stands in for what OpenWrt's build includes (rules.mk, package.mk, rust-package.mk, luci.mk):
# `make -f openwrt.mk DIR=PACKAGE-DIRECTORY ARCH=... OUT=FOLDER PACKAGE.install` puts a package's
# files into OUT/PACKAGE, `show-VARIABLE` prints a variable. Only make itself is real.

TOPDIR:=$(OUT)/openwrt
INCLUDE_DIR:=$(TOPDIR)/include
PKG_BUILD_DIR:=/build
PKG_INSTALL_DIR:=$(BIN)
RUST_TARGET_x86_64:=x86_64-unknown-linux-musl
RUST_TARGET_aarch64:=aarch64-unknown-linux-musl
RUST_TARGET_arm:=armv7-unknown-linux-musleabihf
RUSTC_TARGET_ARCH:=$(RUST_TARGET_$(ARCH))
CARGO_PKG_VARS=CARGO_PROFILE_RELEASE_PANIC=unwind

INSTALL_DIR:=install -d -m 755
INSTALL_BIN:=install -m 755
INSTALL_DATA:=install -m 644
INSTALL_CONF:=install -m 600
LN:=ln -sf

define Build/Compile/Cargo
@echo cargo install --path $(PKG_BUILD_DIR)/$(1)
endef

# As in OpenWrt's build, the install section is expanded twice: once when the rules are made.
define BuildPackage
$(eval $(Package/$(1)))
PACKAGES += $(1)
$(1).install:
	$(call Package/$(1)/install,$(OUT)/$(1))
$(1).control:
	@printf '%s\n' '$(DEPENDS)' '$(USERID)' $(strip $(Package/$(1)/conffiles))
endef

$(shell mkdir -p $(INCLUDE_DIR) $(TOPDIR)/feeds/packages/lang/rust $(TOPDIR)/feeds/luci)
$(shell touch $(TOPDIR)/rules.mk $(INCLUDE_DIR)/package.mk)
$(shell touch $(TOPDIR)/feeds/packages/lang/rust/rust-package.mk $(TOPDIR)/feeds/luci/luci.mk)

all:

include $(DIR)/Makefile

compile:
	$(Build/Compile)

show-%:
	@echo '$($*)'
