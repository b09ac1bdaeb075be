#include <stdio.h>
#include "irqchip/table.h"
#include "lapic_fixture.h"
#include <time.h>
int __real_clock_gettime(clockid_t, struct timespec*);
static double t(void){struct timespec ts;__real_clock_gettime(CLOCK_MONOTONIC,&ts);return ts.tv_sec*1e9+ts.tv_nsec;}
#define B(name, code) do { double best=1e9; for(int b=0;b<20000;b++){ double t0=t(); for(int i=0;i<500;i++){code;} double d=(t()-t0)/500; if(d<best)best=d;} printf("%-28s %.1f ns\n",name,best);} while(0)
int main(void){
 struct virq_vm vm={0}; struct virq_irqchip *chip; irqchip_x86.create(&vm,NULL,&chip); vm.chip=chip; static struct virq_vcpu v[4];
 for(int i=0;i<4;i++){v[i].vm=&vm;v[i].id=i;irqchip_x86.vcpu_create(chip,&v[i],&v[i].priv);wr(v[i].priv,APIC_SVR,SW_ENABLE);wr(v[i].priv,APIC_LDR,1u<<(24+i));}
 struct lapic*a=v[1].priv; unsigned x=0;
 B("store seq_cst", atomic_store(&a->irr[1],0));
 B("rmw", atomic_fetch_or(&a->irr[1],0));
 for(int k=0;k<2;k++){
 struct kvm_irq_routing_entry e={.type=KVM_IRQ_ROUTING_MSI,.u.msi={.address_lo=k?0xfee02004:0xfee01000,.data=0x4050}};
 struct virq_route r={.type=KVM_IRQ_ROUTING_MSI}; irqchip_x86.route_init(chip,&e,&r);
 B("msi coalesced", irqchip_x86.set_irq_inatomic(chip,&r,0,1));
 B("pending yes", x+=irqchip_x86.vcpu_pending(&v[1]));
 B("msi+ack+eoi", irqchip_x86.set_irq_inatomic(chip,&r,0,1);irqchip_x86.vcpu_ack(&v[1]);lapic_eoi(a));
 B("msi+ack+eoi by x86 eoi", irqchip_x86.set_irq_inatomic(chip,&r,0,1);irqchip_x86.vcpu_ack(&v[1]);irqchip_x86.eoi(&v[1],0x50));
 B("pending none", x+=irqchip_x86.vcpu_pending(&v[1]));
 struct virq_access acc={.addr=APIC_DEFAULT_BASE+APIC_EOI,.len=4,.write=true};
 B("msi+ack+eoi mmio", irqchip_x86.set_irq_inatomic(chip,&r,0,1);irqchip_x86.vcpu_ack(&v[1]);irqchip_x86.mmio(&v[1],&acc));
 B("rcu", rcu_lock(); rcu_unlock());
 }
 printf("%u\n",x);
}
